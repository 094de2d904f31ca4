//! Finds instances in DNS.

use std::thread;
use std::time::Instant;

use hickory_resolver::Resolver;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::RData;
use hickory_resolver::proto::rr::rdata::SRV;
use memory_debug_fleet::{Lookup, LookupFailure, resolve};
use memory_debug_report::MissingReason;

use crate::failure::Failure;
use crate::target::Target;

/// The most addresses of one name. It is above the limit on instances, whose message then says how many there are.
const MAX_ADDRESSES: usize = 20_000;

/// Looks up the target's host name as the system does. Returns the target at each address.
pub(super) fn addresses(target: &Target, end: Instant) -> Result<Vec<Target>, Failure> {
    let host = target.host().to_owned();
    let port = target.port();
    let look_up = move || resolve(&host, port, MAX_ADDRESSES).map_err(|error| error.to_string());
    let addresses = until(end, look_up).map_err(|failure| failure.at(target))?;
    if addresses.is_empty() {
        return Err(Failure::new(MissingReason::Unreachable, "found no address for the host name").at(target));
    }
    Ok(addresses.into_iter().map(|address| target.at(address.ip())).collect())
}

/// Returns `host:port` of each SRV record of `name`. Records with the smallest priority number come first (RFC 2782).
pub(super) fn services(name: &str, end: Instant) -> Result<Vec<String>, Failure> {
    let asked = name.to_owned();
    let mut records = until(end, move || look_up_services(&asked)).map_err(|failure| failure.at(&name))?;
    records.sort();
    Ok(records.into_iter().map(|(_, host)| host).collect())
}

fn look_up_services(name: &str) -> Result<Vec<(u16, String)>, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let resolver = Resolver::builder_tokio().and_then(|builder| builder.build());
    let resolver = resolver.map_err(|error| error.to_string())?;
    let lookup = runtime.map_err(|error| error.to_string())?.block_on(resolver.srv_lookup(name));
    let lookup = lookup.map_err(|error| match error {
        NetError::Dns(DnsError::NoRecordsFound(none)) if none.response_code == ResponseCode::NXDomain => {
            "the name does not exist".to_owned()
        }
        NetError::Dns(DnsError::NoRecordsFound(_)) => "the name has no SRV record".to_owned(),
        error => error.to_string(),
    })?;
    let services = lookup.answers().iter().filter_map(|record| match &record.data {
        RData::SRV(service) => Some(service),
        _ => None,
    });
    // The target `.` means that the domain does not offer the service (RFC 2782).
    let services: Vec<_> = services.filter(|service| !service.target.is_root()).collect();
    if services.is_empty() {
        return Err("the SRV record says that the domain does not offer this service".to_owned());
    }
    let host =
        |service: &SRV| format!("{}:{}", service.target.to_ascii().trim_end_matches('.'), service.port);
    Ok(services.into_iter().map(|service| (service.priority, host(service))).collect())
}

/// Runs `look_up` on a new thread, and stops waiting for it after `end`.
fn until<T: Send + 'static>(
    end: Instant,
    look_up: impl FnOnce() -> Result<T, String> + Send + 'static,
) -> Result<T, Failure> {
    let spawn = |work| thread::Builder::new().name("names".into()).spawn(work).map(drop);
    let lookup = Lookup::start(spawn, look_up).map_err(|_| {
        Failure::local("cannot start a thread to look up the name: the system is out of threads or memory")
    })?;
    match lookup.wait(end) {
        Ok(Ok(found)) => Ok(found),
        Ok(Err(what)) => Err(Failure::new(MissingReason::Unreachable, what)),
        Err(LookupFailure::TimedOut) => {
            Err(Failure::new(MissingReason::Deadline, "no name server answered in time"))
        }
        Err(LookupFailure::Panicked) => Err(Failure::local(
            "the name lookup panicked, which is a defect of this command; please report it",
        )),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(60)
    }

    #[test]
    fn finds_each_address_of_a_name() {
        let target = Target::parse("http://127.0.0.1:8080").unwrap();
        let found = addresses(&target, soon()).unwrap();
        assert_eq!((found.len(), found[0].to_string().as_str()), (1, "http://127.0.0.1:8080"));
        let nowhere = Target::parse("http://nowhere.invalid:1").unwrap();
        assert_eq!(addresses(&nowhere, soon()).unwrap_err().reason, MissingReason::Unreachable);
    }

    #[test]
    fn stops_waiting_for_silent_name_server() {
        let (_held, silent) = mpsc::channel::<()>();
        let look_up = move || silent.recv().map_err(|error| error.to_string());
        let failure = until(Instant::now(), look_up).unwrap_err();
        assert_eq!(failure.reason, MissingReason::Deadline, "{failure}");
    }

    #[test]
    fn panic_during_lookup_is_a_failure() {
        let failure = until(soon(), || -> Result<(), String> { panic!("a defect") }).unwrap_err();
        assert_eq!(failure.reason, MissingReason::NoReport, "{failure}");
    }
}
