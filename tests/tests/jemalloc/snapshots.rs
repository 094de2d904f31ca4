//! Snapshots, diffs, growth and profiles of the running service.

use memory_debug_core::Snapshot;
use memory_debug_tests::{OwnProcess, PASSWORD, Request, Response, USER, basic, size_class};
use serde_json::Value;

use crate::population::{Leaking, enough, payload};
use crate::secrets::assert_no_address;
use crate::shop;

payload! { Grown: 21, Still: 22, LeakedAgain: 23 }

async fn take(label: &str) -> String {
    let target = format!("/debug/memory/snapshots?format=json&label={label}");
    let made = shop::send(Request::new("POST", target).authorized()).await;
    assert_eq!(made.status, 201, "{made}");
    let id = made.json()["snapshot"]["id"].as_str().unwrap().to_owned();
    assert_eq!(made.header("location"), Some(format!("snapshots/{id}")));
    id
}

async fn json(target: String) -> Value {
    shop::get(&target).await.json()
}

fn rows<'v>(table: &'v Value, rows: &str, name: &str) -> Vec<&'v Value> {
    table[rows].as_array().unwrap().iter().filter(|row| row["type"] == name).collect()
}

#[tokio::test]
async fn a_diff_shows_growth_with_its_error() {
    let still: Vec<Box<Still>> = (0..enough::<Still>()).map(|number| Box::new(Still::new(number))).collect();
    let base = take("before").await;
    let grown: Vec<Box<Grown>> = (0..enough::<Grown>()).map(|number| Box::new(Grown::new(number))).collect();
    let target = take("after").await;
    let diff = json(format!("/debug/memory/diff?format=json&top=1000&base={base}&target={target}")).await;
    let diff = &diff["diff"];
    let [row] = rows(diff, "rows", "Box<Grown>")[..] else { panic!("{diff}") };
    assert_eq!(row["is_significant"], true, "{row}");
    let (change, error) =
        (row["bytes_change"].as_f64().unwrap(), row["bytes_change_stderr"].as_f64().unwrap());
    let truth = (enough::<Grown>() * size_class(size_of::<Grown>())) as f64;
    assert!((change - truth).abs() < 5.0 * error && error < 0.1 * change, "{row}");
    assert_eq!(rows(diff, "rows", "Box<Still>").len(), 0, "a constant type is not a change");
    assert_eq!(diff["base"]["label"], "before");
    let page =
        shop::get(&format!("/debug/memory/diff?format=html&top=1000&base={base}&target={target}")).await;
    let (_, new) = page.text().split_once("<section id=\"new\"").unwrap();
    assert!(new.contains("<bdi>Box&lt;Grown&gt;</bdi>") && new.contains("class=\"grown\""), "{page}");

    // Compared backwards it has shrunk, and compared with itself it has not changed.
    let back = json(format!("/debug/memory/diff?format=json&top=1000&base={target}&target={base}")).await;
    assert_eq!(rows(&back["diff"], "rows", "Box<Grown>")[0]["bytes_change"].as_f64(), Some(-change));
    let growth =
        json(format!("/debug/memory/diff?format=json&growth=true&base={target}&target={base}")).await;
    assert_eq!(rows(&growth["diff"], "rows", "Box<Grown>").len(), 0);
    let same = json(format!("/debug/memory/diff?format=json&base={base}&target={base}")).await;
    assert_eq!(same["diff"]["rows"], Value::Array(Vec::new()));
    drop((still, grown));
}

#[tokio::test]
async fn a_snapshot_can_be_listed_read_and_deleted() {
    let id = take("to+be+dropped").await;
    let listed = json("/debug/memory/snapshots?format=json".into()).await;
    let listed = listed["snapshots"].as_array().unwrap().clone();
    assert!(listed.iter().any(|snapshot| snapshot["id"] == *id && snapshot["label"] == "to be dropped"));
    let file = shop::get(&format!("/debug/memory/snapshots/{id}?format=pprof")).await;
    let snapshot = Snapshot::from_bytes(file.body).unwrap();
    assert_eq!(snapshot.info().id.to_string(), id);
    assert!(snapshot.profile().unwrap().total().bytes > 0);
    let path = format!("/debug/memory/snapshots/{id}");
    let dropped = shop::send(Request::new("DELETE", &path).authorized()).await;
    assert_eq!((dropped.status, dropped.body.len()), (204, 0), "{dropped}");
    for request in [Request::get(&path), Request::get(format!("/debug/memory/diff?base={id}"))] {
        let gone = shop::send(request.authorized()).await;
        assert_eq!(gone.status, 404, "{gone}");
        assert!(gone.text().starts_with("404 unknown snapshot: "), "{gone}");
    }
}

/// In a process of its own, because the snapshots of other tests are from times without the leak.
#[test]
fn only_a_type_that_keeps_growing_is_a_suspect() {
    let test = "snapshots::only_a_type_that_keeps_growing_is_a_suspect";
    if OwnProcess::is_this() {
        shop::alone(test, keeps_growing());
    } else {
        OwnProcess::of(test).run();
    }
}

async fn keeps_growing() {
    // The first hit begins to record ages.
    shop::get("/debug/memory").await;
    let leak = Leaking::begin(enough::<LeakedAgain>() / 50, |number| Box::new(LeakedAgain::new(number)));
    // A leak is found once the snapshots are as far apart as it takes to grow.
    take("first").await;
    let mut verdict = Value::Null;
    for label in 2..=24 {
        take(&label.to_string()).await;
        verdict = json("/debug/memory/leaks?format=json".into()).await;
        if !rows(&verdict["leaks"], "suspects", "Box<LeakedAgain>").is_empty() {
            break;
        }
    }
    let suspects = &verdict["leaks"];
    let [suspect] = rows(suspects, "suspects", "Box<LeakedAgain>")[..] else { panic!("{suspects}") };
    assert_eq!((&suspects["rule"], suspect["ages"]["known_share"].as_f64()), (&"survival".into(), Some(1.0)));
    assert_eq!(rows(suspects, "suspects", "Box<Still>").len(), 0, "{suspects}");
    let text = shop::get("/debug/memory/leaks").await;
    assert!(text.text().contains("these keep growing:"), "{text}");
    let page = shop::get("/debug/memory/leaks?format=html").await;
    for wanted in ["<bdi>Box&lt;LeakedAgain&gt;</bdi>", "<polyline points=", "these keep growing</p>"] {
        assert!(page.text().contains(wanted), "{wanted}: {page}");
    }
    drop(leak);
}

/// The content of a profile as text, without gzip.
pub(crate) fn unpacked(profile: &Response) -> Vec<u8> {
    use std::io::Read;
    assert_eq!(profile.header("content-disposition").as_deref(), Some("attachment; filename=\"heap.pb.gz\""));
    let mut unpacked = Vec::new();
    flate2::read::GzDecoder::new(&profile.body[..]).read_to_end(&mut unpacked).unwrap();
    unpacked
}

#[tokio::test]
async fn s60_profiles_have_names_and_no_addresses() {
    let profile = shop::get("/debug/memory/heap").await;
    let unpacked = unpacked(&profile);
    let has = |text: &str| unpacked.windows(text.len()).any(|part| part == text.as_bytes());
    assert!(has("inuse_space") && has("alloc::") && has("type"), "names");
    assert!(!has("/proc/") && !has("/root/") && !has("/home/"), "no folders of this machine");
    for target in [
        "/debug/memory/heap?format=text",
        "/debug/memory/heap?format=json",
        "/debug/memory/heap?format=collapsed",
    ] {
        assert_no_address(&shop::get(target).await.to_string());
    }
    assert_eq!(
        shop::get("/debug/memory/heap?debug=1").await.header("content-type").unwrap(),
        "text/plain; charset=utf-8"
    );
}

#[tokio::test]
async fn s34_a_flame_graph_is_sent_as_a_download() {
    let picture = shop::get("/debug/memory/heap/flamegraph?by=type").await;
    assert_eq!(picture.header("content-type").as_deref(), Some("image/svg+xml"));
    assert_eq!(
        picture.header("content-disposition").as_deref(),
        Some("attachment; filename=\"flamegraph.svg\"")
    );
    assert!(picture.text().contains("<svg") && picture.text().contains("live memory of axum-service"));
}

#[tokio::test]
async fn a_call_tree_has_the_sums_of_the_heap() {
    let column = |tree: &Value, name: &str| -> Vec<i64> {
        let column = tree["nodes"][name].as_array().unwrap_or_else(|| panic!("{name}: {tree}"));
        column.iter().map(|number| number.as_i64().unwrap()).collect()
    };
    let base = take("before+the+tree").await;
    for target in ["?by=type&nodes=1000".to_owned(), format!("?base={base}")] {
        let tree = json(format!("/debug/memory/heap/tree{target}")).await;
        assert_eq!(tree["schema"], "memory-debug-tree/v1");
        let (parents, bytes) = (column(&tree, "parent"), column(&tree, "bytes"));
        assert_eq!(tree["total"]["bytes"], bytes[0]);
        assert!(bytes[0] > 0 && bytes.len() <= 8192);
        let mut below = vec![0; bytes.len()];
        for (node, parent) in parents.iter().enumerate().skip(1) {
            let parent = usize::try_from(*parent).unwrap();
            assert!(parent < node);
            below[parent] += bytes[node];
        }
        assert!(bytes.iter().zip(&below).all(|(whole, below)| whole >= below), "{tree}");
        assert_eq!(tree["base"]["id"].as_str(), target.strip_prefix("?base="));
        if target.starts_with("?base=") {
            assert_eq!(column(&tree, "significant").len(), column(&tree, "before_bytes").len());
        }
    }
    let page =
        Request::get("/debug/memory/heap/flamegraph?view=tree").authorized().header("accept", "text/html");
    let page = shop::send(page).await;
    assert_eq!(page.header("content-type").as_deref(), Some("text/html; charset=utf-8"));
    assert!(page.text().contains("<b>100.0 %</b>") && page.text().contains("<details open>"), "{page}");
}

#[tokio::test]
async fn s15_profiles_and_snapshots_need_the_password_and_the_role() {
    for (method, target) in [
        ("GET", "/debug/memory/heap"),
        ("POST", "/debug/memory/snapshots"),
        ("GET", "/debug/memory/snapshots"),
        ("DELETE", "/debug/memory/snapshots/000102030405060708090a0b0c0d0e0f"),
        ("GET", "/debug/memory/leaks"),
        ("GET", "/debug/memory/diff?base=first"),
    ] {
        let wrong = basic(format!("{USER}:{PASSWORD}x"));
        for request in
            [Request::new(method, target), Request::new(method, target).header("authorization", &wrong)]
        {
            assert_eq!(shop::send(request).await.status, 401, "{method} {target}");
        }
        let cross_site = Request::new(method, target).authorized().header("sec-fetch-site", "cross-site");
        assert_eq!(shop::send(cross_site).await.status, 403, "{method} {target}");
    }
}

/// Memory that is only reserved also counts in the table, so the giant costs nothing.
#[test]
fn a_giant_row_is_named_and_compared_with_the_oldest_snapshot() {
    shop::alone("snapshots::a_giant_row_is_named_and_compared_with_the_oldest_snapshot", async {
        let giant = || async {
            let doctor = json("/debug/memory/doctor?format=json".into()).await;
            let verdicts = doctor["doctor"]["verdicts"].as_array().unwrap().clone();
            verdicts.into_iter().find(|verdict| verdict["id"] == "dominating-row")
        };
        assert_eq!(giant().await, None);
        let mut hoard: Vec<Vec<u16>> = vec![Vec::with_capacity(1 << 29)];
        let found = giant().await.unwrap();
        let evidence = found["evidence"].as_str().unwrap();
        let holds =
            ["1.0 GiB", "1024.0 MiB"].map(|size| format!("one row, `Vec<u16>`, holds {size} of 1.0 GiB "));
        assert!(holds.iter().any(|holds| evidence.starts_with(holds)), "{found}");
        assert!(found["advice"].as_str().unwrap().contains("POST /snapshots"), "{found}");
        take("giant").await;
        let steady = giant().await.unwrap();
        assert!(
            steady["evidence"].as_str().unwrap().contains("; it did not grow beyond noise since 2"),
            "{steady}"
        );
        hoard.push(Vec::with_capacity(1 << 29));
        let grown = giant().await.unwrap();
        let evidence = grown["evidence"].as_str().unwrap();
        let change = ["; +1.00 GiB since 2", "; +1023.9", "; +1024.0"];
        assert!(change.iter().any(|change| evidence.contains(change)), "{grown}");
        assert_eq!(
            (&found["severity"], &grown["severity"]),
            (&"notice".into(), &"warning".into()),
            "{grown}"
        );
        drop(hoard);
    });
}
