use super::*;
use crate::error::ErrorKind;

const DUMP: &str = "heap_v2/524288
  t*: 30: 7200 [40: 9000]
  t0: 20: 6400 [30: 8200] main
  t7: 10: 800 [10: 800]
@ 0x1010 0x1020
  t*: 20: 6400 [30: 8200]
  t0: 20: 6400 [30: 8200]
@ 0x1030
  t*: 10: 800 [10: 800]
  t0: 1: 80 [1: 80]
  t7: 9: 720 [9: 720]

MAPPED_LIBRARIES:
1000-2000 r-xp 00000000 fe:00 9  /srv/app
2000-3000 rw-p 00001000 fe:00 9  /srv/app
";

#[test]
fn reads_rate_threads_stacks_and_mappings() {
    let profile = HeapProfile::parse(DUMP.as_bytes()).unwrap();
    assert_eq!(profile.sample_rate().bytes(), 524_288);
    assert_eq!(profile.total(), Sample { objects: 30, bytes: 7200 });
    assert_eq!(
        profile.threads().iter().map(|t| (t.id, t.name.as_deref())).collect::<Vec<_>>(),
        [(0, Some("main")), (7, None)]
    );
    let stacks: Vec<_> = profile.stacks().collect();
    assert_eq!(stacks[0].addresses, [0x1010, 0x1020]);
    assert_eq!(stacks[0].accumulated, Sample { objects: 30, bytes: 8200 });
    assert_eq!(stacks[1].live, Sample { objects: 10, bytes: 800 });
    assert_eq!(stacks[1].threads[1], ThreadSample { thread: 7, live: Sample { objects: 9, bytes: 720 } });
    assert_eq!(profile.mappings().len(), 1);
    assert_eq!(profile.mapping_of(0x1fff).and_then(|m| m.path.to_str()), Some("/srv/app"));
    assert_eq!(profile.mapping_of(0x2000), None);
}

#[test]
fn accepts_empty_profile() {
    let profile = HeapProfile::parse(&b"heap_v2/1\n  t*: 0: 0 [0: 0]\n\nMAPPED_LIBRARIES:\n"[..]).unwrap();
    assert_eq!(profile.stacks().len(), 0);
    assert!(profile.sample_rate().is_exact());
}

#[test]
fn rejects_dump_truncated_before_its_mappings() {
    let whole = DUMP.find("1000-2000").unwrap();
    for cut in 0..whole {
        let error = HeapProfile::parse(&DUMP.as_bytes()[..cut]).expect_err(&DUMP[..cut]);
        assert_eq!(error.kind(), ErrorKind::HeapDump);
        assert!(error.to_string().starts_with("heap dump line "), "{error}");
    }
}

#[test]
fn given_mappings_replace_the_mappings_in_the_dump() {
    let of_another = DUMP.find("\nMAPPED_LIBRARIES").unwrap();
    let given = Mapping::read_all(&b"1000-2000 r-xp 0 fe:00 9  /srv/own\n"[..]).unwrap();
    for dump in [DUMP, &DUMP[..of_another], &DUMP.replace("2000-3000 rw-p", "noise")] {
        let profile = HeapProfile::parse_with_mappings(dump.as_bytes(), 0, given.clone()).unwrap();
        assert_eq!((profile.stacks().len(), profile.mappings()), (2, &given[..]));
    }
    let cut = HeapProfile::parse_with_mappings(&DUMP.as_bytes()[..of_another - 4], 0, given).unwrap_err();
    assert!(cut.to_string().contains("the dump was cut off"), "{cut}");
}

#[test]
fn errors_name_the_malformed_line() {
    for (dump, message) in [
        ("heap_v3/1\n", "line 1: expected `heap_v2/` and the sampling interval, found `heap_v3/1`"),
        ("heap_v2/0\n", "line 1: expected `heap_v2/` and the sampling interval, found `heap_v2/0`"),
        ("heap_v2/+1\n", "line 1: expected `heap_v2/` and the sampling interval, found `heap_v2/+1`"),
        ("heap_v2/1\n  t*: +1: 8 [0: 0]\n", "line 2: expected the totals `t*: …`"),
        ("heap_v2/1\n  t*: 1: +8 [0: 0]\n", "line 2: expected the totals `t*: …`"),
        ("heap_v2/1\n  t*: 1: 8 [+0: 0]\n", "line 2: expected the totals `t*: …`"),
        ("heap_v2/1\n  t*: 1: 8 [0: 0]\n  t+1: 1: 8 [0: 0]\n", "line 3: expected a stack"),
        ("heap_v2/1\n  t*: 1: 8 [0: 0]\n@ 0x+1\n", "line 3: expected addresses `0x…`"),
        ("heap_v2/1\n@ 0x1\n", "line 2: expected the totals `t*: …`, found `@ 0x1`"),
        ("heap_v2/1\n  t*: 0: 0 [0: 0]\n@ 0xzz\n", "line 3: expected addresses `0x…`, found `@ 0xzz`"),
        (
            "heap_v2/1\n  t*: 0: 0 [0: 0]\n@ 0x1\n  t*: -1: 0 [0: 0]\n",
            "line 4: expected the stack's totals `t*: …`",
        ),
        ("heap_v2/1\n  t*: 0: 0 [0: 0]\nnoise\n", "line 3: expected a stack `@ …`, counts `tN: …` or MAPPED"),
    ] {
        let error = HeapProfile::parse(dump.as_bytes()).expect_err(dump);
        assert!(error.to_string().contains(message), "{error}");
    }
}

#[test]
fn rejects_endless_line_without_reading_it_all() {
    let endless = std::io::BufReader::new(std::io::repeat(b'a'));
    assert_eq!(HeapProfile::parse(endless).unwrap_err().kind(), ErrorKind::HeapDump);
}

proptest::proptest! {
    #[test]
    fn no_input_panics(dump: Vec<u8>) {
        let _ = HeapProfile::parse(&dump[..]);
    }

    #[test]
    fn no_damaged_dump_panics(at in 0..DUMP.len(), byte: u8) {
        let mut dump = DUMP.as_bytes().to_vec();
        dump[at] = byte;
        let _ = HeapProfile::parse(&dump[..]);
    }
}
