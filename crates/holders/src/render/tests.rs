use super::*;
use crate::sample;

const TEXT: &str = "\
shop 1.4.2 · pid 4242 · instance 6f1c9a2e
scanned 2026-11-20T12:12:00Z · 3 scans in 4.1 s with 2.9 s of processor time · read 96.0 MiB of 128.0 MiB heap
samples recorded since 2026-11-20T09:00:00Z · holders are known for 82 % of the live heap

unreachable
  8.00 MiB ± 25 % of shop::Node (16 samples): no pointer to it found in 3 of 3 scans; a cycle: shop::Node → \
Vec<Arc<Node>> → shop::Node; it holds String
  2.00 MiB ± 50 % of Vec<u8> (4 samples): no pointer to it found in 3 of 3 scans
no pointer to this memory was found, so the program can neither use nor free it: break a cycle of `Arc` or `Rc` with \
`Weak`; look for `mem::forget`, `Box::leak` and `into_raw` without `from_raw`

String: 30.00 MiB ± 10 %
                                                                            who holds it |      size |    ± | share | samples
======================================================================================== | ========= | ==== | ===== | =======
                   String ← Session ← HashMap<u64, Arc<Session>> ← static shop::SESSIONS | 23.40 MiB | 14 % |  78 % |      47
String ← list of Node ← [640 bytes] ← thread-local shop::CACHE (also static shop::INDEX) |  4.00 MiB | 35 % |  13 % |       8
                            String ← ≈ Vec<String> ← stack of thread worker-3 (doubtful) |  1.00 MiB | 71 % |   3 % |       2
                                                             String ← (holder not known) |  1.00 MiB |    – |   3 % |       –
… and 2 more chains

… and 12 more types

≈ marks a type that was inferred from objects that are alike; [640 bytes] is an object whose type is not known; a \
doubtful chain has its pointers in spare capacity, or among bytes that look like text
an estimate from samples; pointers in registers, in the kernel alone, encoded or unaligned ones, and thread-locals of \
libraries that were loaded later are not seen; a stale word can hide a leak
";

#[test]
fn a_report_is_a_table_of_chains_below_what_is_unreachable() {
    assert_eq!(sample::report().to_string(), TEXT);
}

#[test]
fn a_report_without_a_scan_has_the_reason_instead() {
    let mut report = HoldersReport::new(sample::instance(), "2026-11-20T12:12:00Z");
    report.unavailable.note("coverage", "the program has no symbol table\nnext");
    report.unavailable.note("instance.host", "hidden");
    let text = report.to_string();
    assert!(text.contains("\nno scan: the program has no symbol table\\u{a}next\n"), "{text}");
    assert!(text.ends_with("\nnot available:\n  instance.host: hidden\n"), "{text}");
}

#[test]
fn a_partial_result_says_so() {
    let mut report = sample::report();
    let coverage = report.coverage.as_mut().unwrap();
    coverage.ended_early = Some("its time of 5 s was over".into());
    (coverage.dropped, coverage.known_share, coverage.recorded_since) = (1200, None, None);
    let text = report.to_string();
    for wanted in [
        "the last scan ended early, so holders are missing: its time of 5 s was over\n",
        "samples not recorded · 1,200 samples found no place\n",
    ] {
        assert!(text.contains(wanted), "{wanted}: {text}");
    }
}

#[test]
fn a_report_without_chains_says_so_and_keeps_the_limits() {
    let mut report = sample::report();
    report.types.clear();
    report.omitted = 0;
    let text = report.to_string();
    assert!(
        text.contains("\nNo sampled memory has a known holder.\n") && text.ends_with(&format!("{LIMITS}\n")),
        "{text}"
    );
}

#[test]
fn s64_names_cannot_forge_lines() {
    let (plain, hostile) = (sample::named("x").to_string(), sample::named(sample::HOSTILE).to_string());
    assert_eq!(hostile.lines().count(), plain.lines().count(), "{hostile}");
    assert!(!hostile.contains('\u{202e}'), "{hostile}");
}
