use memory_debug_core::Resource;
use serde_json::Value;

use super::*;

impl Problem {
    /// One problem of each kind, for tests.
    pub(crate) fn examples() -> Vec<Self> {
        vec![
            Self::InvalidParameter { name: "top".to_owned(), reason: "is \"odd\"".to_owned() },
            Self::CrossSite,
            Self::ForbiddenRole { needed: Role::Profile, held: Role::Read },
            Self::PeersOwn,
            Self::UnknownPath { known: vec!["/debug/memory".to_owned()] },
            Self::UnknownSnapshot,
            Self::UnknownType,
            Self::NoScan,
            Self::SnapshotGone,
            Self::MethodNotAllowed { allowed: "GET, HEAD".to_owned() },
            Self::NotAcceptable { offered: Format::PAGE },
            Self::TooFewSnapshots("2 are there".to_owned()),
            Self::SamplingChanged("the rate was changed".to_owned()),
            Self::AgesNotKept("an earlier version took it".to_owned()),
            Self::SnapshotTooLarge("has 9 bytes".to_owned()),
            Self::NotBuiltIn("no jemalloc".into()),
            Self::NoProfile("not active".to_owned()),
            Self::TooManyWaiters,
            Self::RepliesUnread { most_bytes: 32 << 20 },
            Self::CollectorPanicked,
            Self::Internal("a snapshot cannot be read back"),
            Self::ReplyTooLarge,
            Self::CollectorOverdue { retry_after: Duration::from_secs(30) },
            Self::BreakerOpen { kind: "types", retry_after: Duration::from_secs(60) },
            Self::InsufficientHeadroom(Shortage {
                needed_bytes: 64 << 20,
                available_bytes: 1 << 20,
                resource: Resource::Memory,
            }),
            Self::InsufficientHeadroom(Shortage {
                needed_bytes: 24 << 20,
                available_bytes: 1 << 20,
                resource: Resource::Addresses,
            }),
            Self::NoThread,
            Self::DeadlineExceeded { deadline: Duration::from_secs(30) },
            Self::UnsupportedBody { wanted: "application/json" },
            Self::BodyTooLarge,
            Self::BodyTimeout { limit: Duration::from_secs(10) },
            Self::TooManyBodies,
            Self::no_siblings(),
            Self::no_peers(),
            Self::peers_share_a_password(),
            Self::FleetUnavailable("open to others".to_owned()),
            Self::SecondHop,
            Self::WrongInstance(memory_debug_core::instance_id()),
            Self::invalid_body("is empty"),
            Self::VersionDiffers { reason: "it is of version 7".to_owned(), etag: "\"x-7\"".to_owned() },
            Self::OnByConfiguration("sampling is on".to_owned()),
            Self::AlreadyCounting("until noon".to_owned()),
            Self::ProfilingFailed("no thread".to_owned()),
            Self::RawAddressesOff,
            Self::TooManyGrowths { retry_after: Duration::from_secs(7) },
        ]
    }
}

#[test]
fn text_is_one_line() {
    for problem in Problem::examples() {
        let text = problem.render(Format::Text);
        assert_eq!(text.lines().count(), 1, "{text}");
        assert!(text.starts_with(&problem.status().to_string()), "{text}");
        assert!(text.ends_with('\n'), "{text}");
    }
}

#[test]
fn json_has_the_members_of_rfc_9457() {
    for problem in Problem::examples() {
        let json: Value = serde_json::from_str(&problem.render(Format::Json)).unwrap();
        assert!(json["type"].as_str().unwrap().starts_with("urn:memory-debug:problem:"), "{json}");
        assert_eq!(json["status"], problem.status(), "{json}");
        assert!(json["title"].is_string() && json["detail"].is_string(), "{json}");
    }
}

#[test]
fn json_names_the_parameter_the_alternatives_and_the_wait() {
    let json = |problem: Problem| serde_json::from_str::<Value>(&problem.render(Format::Json)).unwrap();
    let examples = Problem::examples();
    assert_eq!(json(examples[0].clone())["parameter"], "top");
    assert_eq!(
        json(Problem::MethodNotAllowed { allowed: "GET, HEAD".to_owned() })["allowed"],
        serde_json::json!(["GET", "HEAD"])
    );
    assert_eq!(
        json(Problem::NotAcceptable { offered: Format::DATA })["allowed"],
        serde_json::json!(["text/plain", "application/json"])
    );
    assert_eq!(json(Problem::TooManyWaiters)["retry_after_s"], 1);
    assert_eq!(json(Problem::CollectorPanicked).get("retry_after_s"), None);
}

#[test]
fn s44_only_a_thread_without_address_space_is_a_shortage() {
    let mut headroom = Headroom::for_threads(2);
    headroom.available_bytes = Some(1 << 20);
    assert!(headroom.is_short());
    let problem = Problem::no_thread(&io::Error::new(io::ErrorKind::OutOfMemory, headroom));
    assert!(problem.detail().contains("1048576 are left; raise the limit (`ulimit -v`"), "{problem:?}");
    assert_eq!(Problem::no_thread(&io::ErrorKind::WouldBlock.into()), Problem::NoThread);
}

#[test]
fn retries_wait_at_least_a_second() {
    let overdue = |seconds| Problem::CollectorOverdue { retry_after: Duration::from_secs(seconds) };
    assert_eq!(overdue(30).retry_after_s(), Some(30));
    assert_eq!(overdue(0).retry_after_s(), Some(1));
}
