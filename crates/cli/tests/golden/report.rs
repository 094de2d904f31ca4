//! Tests of the file that `report` writes.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::run::{check, command, differs};
use crate::server::{self, Kind};

/// Runs `report SOURCE -o FILE`. Returns the folder of the file, the file and standard error.
fn report(source: &str) -> (TempDir, String, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("report.html");
    let words = ["report", source, "-o", path.to_str().unwrap()].map(str::to_owned);
    let output = command(&words).output().unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success() && output.stdout.is_empty(), "{errors}");
    (folder, fs::read_to_string(path).unwrap(), errors)
}

/// The ids of the pages in the file. Sections inside of a page have headings instead of labels.
fn sections(html: &str) -> Vec<&str> {
    let ids = html.split("<section id=\"").skip(1).filter_map(|rest| rest.split_once("\" aria-label="));
    ids.map(|(id, _)| id).filter(|id| !id.contains('"')).collect()
}

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/data").join(name)
}

#[test]
fn file_has_the_pages_of_a_saved_report() {
    let (_folder, html, errors) = report("one/overview.json");
    assert_eq!(errors, "");
    assert_eq!(sections(&html), ["overview", "types", "doctor", "stats"]);
    for part in [
        "pid 1234",
        "19 rules checked, 12 not checked",
        "version 1 control groups do not have it",
        "2026-11-21T12:00:10Z",
    ] {
        assert!(html.contains(part), "{part}");
    }
}

#[test]
#[cfg(unix)]
fn s64_file_is_for_its_owner_only_and_replaces_no_other() {
    use std::os::unix::fs::PermissionsExt as _;

    let (folder, html, _) = report("one/overview.json");
    let path = folder.path().join("report.html");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let words = ["report", "later/overview.json", "-o", path.to_str().unwrap()].map(str::to_owned);
    let output = command(&words).output().unwrap();
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{message}");
    assert!(
        message.contains("report.html: exists already; choose another name, or pass --force"),
        "{message}"
    );
    assert_eq!(fs::read_to_string(&path).unwrap(), html);
    let forced = command(&[&words[..], &["--force".to_owned()]].concat()).output().unwrap();
    assert!(forced.status.success() && fs::read_to_string(&path).unwrap() != html);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn folder_adds_the_history_and_the_change() {
    let folder = tempfile::tempdir().unwrap();
    // The names do not tell the order.
    fs::copy(data("later/overview.json"), folder.path().join("a.json")).unwrap();
    fs::copy(data("one/overview.json"), folder.path().join("b.json")).unwrap();
    fs::copy(data("newer/overview.json"), folder.path().join("c.json")).unwrap();
    fs::write(folder.path().join("d.json"), "{}").unwrap();
    fs::write(folder.path().join("notes.txt"), "not read").unwrap();
    let (_out, html, errors) = report(folder.path().to_str().unwrap());
    assert_eq!(sections(&html), ["overview", "types", "doctor", "history", "diff", "stats"]);
    let (first, last) = (
        html.find("<th scope=\"row\"><bdi>2026-11-21T12:00:10Z"),
        html.find("<th scope=\"row\"><bdi>2026-11-21T12:30:10Z"),
    );
    assert!(first.is_some() && first < last, "{first:?} {last:?}");
    assert!(html.contains("change from instance 0ef7b719 (pid 1234, 2026-11-21T12:00:10Z)"), "{html}");
    assert_eq!(errors.lines().count(), 2, "{errors}");
    for name in ["c.json", "d.json"] {
        assert!(errors.contains(name) && html.contains(name), "{errors}");
    }
    assert!(!errors.contains("notes.txt"));
}

#[test]
fn service_without_snapshots_is_shown_with_a_note() {
    let port = server::start(&[Kind::Service("one")])[0];
    let (_folder, html, errors) = report(&format!("http://127.0.0.1:{port}"));
    assert_eq!(sections(&html), ["overview", "types", "doctor", "stats"]);
    assert!(
        errors.contains("the snapshots are missing: ") && html.contains("the snapshots are missing: "),
        "{errors}"
    );
    assert!(!html.contains("Basic ") && !html.contains("jumbled"), "the login is not in the file");
}

#[test]
fn failures_say_what_to_do() {
    check([
        differs("report-no-file", "report none.json -o -", &[]),
        differs("report-not-a-report", "report one/overview.txt -o -", &[]),
        differs("report-newer", "report newer/overview.json -o -", &[]),
        differs("report-no-output", "report one/overview.json", &[]),
        differs("report-empty-folder", "report ../expected -o -", &[]),
        differs("report-no-answer", "report {0} -o -", &[Kind::Stranger]),
        differs("ui-rejected", "ui {0}", &[Kind::Stranger]),
        differs(
            "ui-listen",
            "ui {0} --listen 0.0.0.0:0",
            &[Kind::Says("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n")],
        ),
    ]);
}
