//! The collections of this process, shared by all endpoints that would make the same.
//!
//! What is collected is the process, so two endpoints with equal settings need not, and must not, collect it twice at
//! once. Some frameworks make an application anew for each of their threads, endpoint and all.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use memory_debug_core::Collector;

use super::Flights;
use crate::limits::Limits;

/// Name and version that the reports give the service, if it has been named.
pub(crate) type ServiceName = Option<(String, String)>;

/// The flights there are, by their settings. A process has one, or a few.
static FLIGHTS: Mutex<Vec<(ServiceName, Weak<Flights>)>> = Mutex::new(Vec::new());

impl Flights {
    /// The collections of this process with these settings: those that exist, or new ones.
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
    fn settings_that_nobody_uses_are_forgotten() {
        drop(Flights::of_process(&named("short-lived"), Limits::default()));
        drop(Flights::of_process(&named("next"), Limits::default()));
        let known = FLIGHTS.lock().unwrap_or_else(PoisonError::into_inner);
        assert!(!known.iter().any(|(service, _)| *service == named("short-lived")));
    }
}
