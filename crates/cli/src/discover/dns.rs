//! Instances by name.

use std::net::ToSocketAddrs as _;

use hickory_resolver::Resolver;
use hickory_resolver::proto::rr::RData;
use memory_debug_core::MissingReason;

use crate::failure::Failure;
use crate::target::Target;

/// The page at each address of its host, as the system looks names up.
pub(super) fn addresses(target: &Target) -> Result<Vec<Target>, Failure> {
    let failed = |what: &str| Failure::new(MissingReason::Unreachable, what).at(target);
    let addresses = (target.host(), target.port()).to_socket_addrs();
    let mut addresses: Vec<_> =
        addresses.map_err(|error| failed(&error.to_string()))?.map(|a| a.ip()).collect();
    addresses.sort();
    addresses.dedup();
    if addresses.is_empty() {
        return Err(failed("the name has no address"));
    }
    Ok(addresses.into_iter().map(|ip| target.at(ip)).collect())
}

/// `host:port` of each SRV record of `name`, those of least priority number first.
pub(super) fn services(name: &str) -> Result<Vec<String>, Failure> {
    let failed =
        |what: &dyn std::fmt::Display| Failure::new(MissingReason::Unreachable, what.to_string()).at(&name);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let lookup = runtime.map_err(|error| failed(&error))?.block_on(async {
        let resolver = Resolver::builder_tokio().and_then(|builder| builder.build());
        resolver.map_err(|error| failed(&error))?.srv_lookup(name).await.map_err(|error| failed(&error))
    })?;
    let mut records: Vec<_> = lookup
        .answers()
        .iter()
        .filter_map(|record| match &record.data {
            RData::SRV(srv) => {
                let host = srv.target.to_utf8();
                Some((srv.priority, format!("{}:{}", host.trim_end_matches('.'), srv.port)))
            }
            _ => None,
        })
        .collect();
    records.sort();
    if records.is_empty() {
        return Err(failed(&"the name has no SRV record"));
    }
    Ok(records.into_iter().map(|(_, host)| host).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_asked_at_each_of_its_addresses() {
        let target = Target::parse("http://127.0.0.1:8080").unwrap();
        let found = addresses(&target).unwrap();
        assert_eq!((found.len(), found[0].to_string().as_str()), (1, "http://127.0.0.1:8080"));
        let nowhere = Target::parse("http://nowhere.invalid:1").unwrap();
        assert_eq!(addresses(&nowhere).unwrap_err().reason, MissingReason::Unreachable);
    }
}
