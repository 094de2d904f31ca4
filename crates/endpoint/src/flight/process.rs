//! The collections of this process, shared by all endpoints with equal settings.
//!
//! A collection measures the whole process, so two endpoints with equal settings must not collect twice at
//! once. Some frameworks build the application, with its endpoint, once per thread.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use memory_debug_core::Collector;

use super::Flights;
use crate::limits::Limits;

/// Name and version of the service in reports, if set.
pub(crate) type ServiceName = Option<(String, String)>;

/// The collections of this process, by their settings. A process has one or a few.
static FLIGHTS: Mutex<Vec<(ServiceName, Weak<Flights>)>> = Mutex::new(Vec::new());

impl Flights {
    /// Returns the collections of this process with these settings, and creates them if necessary.
    pub(crate) fn of_process(service: &ServiceName, limits: Limits) -> Arc<Self> {
        let mut flights = FLIGHTS.lock().unwrap_or_else(PoisonError::into_inner);
        flights.retain(|(_, flights)| flights.strong_count() > 0);
        let equal = flights.iter().filter(|(known, _)| known == service);
        let mut existing = equal.filter_map(|(_, flights)| flights.upgrade());
        if let Some(existing) = existing.find(|flights| *flights.limits() == limits) {
            return existing;
        }
        let collector = match service {
            Some((name, version)) => Collector::new().service(name, version),
            None => Collector::new(),
        };
        let new = Arc::new(Self::new(Arc::new(collector), limits));
        flights.push((service.clone(), Arc::downgrade(&new)));
        new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str) -> ServiceName {
        Some((name.to_owned(), "1".to_owned()))
    }

    #[test]
    fn s40_endpoints_with_equal_settings_share_one_flight() {
        let limits = Limits::default();
        let first = Flights::of_process(&named("equal"), limits.clone());
        assert!(Arc::ptr_eq(&first, &Flights::of_process(&named("equal"), limits.clone())));
        assert!(!Arc::ptr_eq(&first, &Flights::of_process(&named("other"), limits.clone())));
        let other_limits = Flights::of_process(&named("equal"), limits.clone().max_rows(7));
        assert!(!Arc::ptr_eq(&first, &other_limits));
        assert!(Arc::ptr_eq(&other_limits, &Flights::of_process(&named("equal"), limits.max_rows(7))));
    }

    #[test]
    fn unused_settings_are_dropped() {
        drop(Flights::of_process(&named("short-lived"), Limits::default()));
        drop(Flights::of_process(&named("next"), Limits::default()));
        let known = FLIGHTS.lock().unwrap_or_else(PoisonError::into_inner);
        assert!(!known.iter().any(|(service, _)| *service == named("short-lived")));
    }
}
