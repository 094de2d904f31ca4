//! Forms of browsers, and links from other sites.

use memory_debug_axum::Limits;
use memory_debug_tests::{PASSWORD, Request, Response, basic};

use super::cases::Expected::{self, Page};
use super::changes::{on_all_servers_with, state};
use super::servers::Server;

const SNAPSHOTS: &str = "/debug/memory/snapshots";
const DELETE: &str = "/debug/memory/snapshots/000102030405060708090a0b0c0d0e0f/delete";
const PROFILING: &str = "/debug/memory/profiling";
const PURGE: &str = "/debug/memory/purge";
const TRACE: &str = "/debug/memory/trace";
const BROWSER: &str = "text/html, application/xhtml+xml, application/xml;q=0.9, */*;q=0.8";

/// A form without a login.
fn form(target: &str, body: &str) -> Request {
    let request = Request::new("POST", target).header("content-type", "application/x-www-form-urlencoded");
    request.header("accept", BROWSER).body(body)
}

/// A form of an operator.
fn send(target: &str, body: &str) -> Request {
    form(target, body).authorized()
}

/// Forms that are refused before anything is changed, so that the answer does not depend on the collector. S26, S30.
pub(super) fn requests() -> Vec<(Request, Expected)> {
    let mut requests = vec![
        (send(SNAPSHOTS, "x=1"), Page(400)),
        (send(SNAPSHOTS, "label=a&label=b"), Page(400)),
        (send(SNAPSHOTS, "label=%0a"), Page(400)),
        (send(&format!("{SNAPSHOTS}?label=a"), "label=b"), Page(400)),
        (send(&format!("{SNAPSHOTS}?x=1"), "label=b"), Page(400)),
        (send(SNAPSHOTS, "label=a").header("content-encoding", "gzip"), Page(415)),
        (send(SNAPSHOTS, &format!("label={}", "a".repeat(16 << 10))), Page(413)),
        (send(DELETE, ""), Page(404)),
        (send(DELETE, "x=1"), Page(404)),
        (send(&format!("{DELETE}/"), ""), Page(404)),
        (send("/debug/memory/snapshots/x/delete", ""), Page(404)),
        (Request::get(DELETE).authorized(), Page(405)),
        (Request::new("DELETE", DELETE).authorized(), Page(405)),
        (send(PROFILING, ""), Page(400)),
        (send(PROFILING, "active=yes"), Page(400)),
        (send(PROFILING, "active=true"), Page(400)),
        (send(PROFILING, "active=true&for_seconds=0"), Page(400)),
        (send(PROFILING, "active=true&for_seconds=1&sample_bytes=5000"), Page(400)),
        (send(PROFILING, "active=true&for_seconds=1&for_seconds=1"), Page(400)),
        (send(PROFILING, "%61ctive=false"), Page(400)),
        (send(PROFILING, "{\"active\":false}"), Page(400)),
        (send(&format!("{PROFILING}?active=false"), ""), Page(400)),
        (send(PROFILING, &" ".repeat(17 << 10)), Page(413)),
        (send(TRACE, ""), Page(400)),
        (send(TRACE, "seconds=601"), Page(400)),
        (send(TRACE, "seconds=30&stop=true"), Page(400)),
        (send(TRACE, "seconds=30&forever=true"), Page(400)),
        (send(TRACE, &" ".repeat(17 << 10)), Page(413)),
        (send("/debug/memory", ""), Page(405)),
        (send("/debug/memory/types", ""), Page(405)),
    ];
    for target in [SNAPSHOTS, DELETE, PROFILING, PURGE, TRACE] {
        requests.push((form(target, ""), Page(401)));
        requests.push((form(target, "").header("authorization", basic("ops:wrong")), Page(401)));
        for site in ["cross-site", "same-site"] {
            requests.push((send(target, "").header("sec-fetch-site", site), Page(403)));
        }
        for origin in ["https://evil.example", "null", "http://localhost:1"] {
            requests.push((send(target, "").header("origin", origin), Page(403)));
        }
    }
    requests.extend(links());
    requests
}

/// Links from other sites, which browsers follow. S31.
fn links() -> Vec<(Request, Expected)> {
    let followed = |target: &str, accept: &str| {
        let request = Request::get(target).authorized().header("accept", accept);
        let request = request.header("sec-fetch-site", "cross-site").header("sec-fetch-mode", "navigate");
        request.header("sec-fetch-dest", "document")
    };
    let mut links = Vec::new();
    for (below, status) in [
        ("", 200),
        ("/types", 200),
        ("/types?top=5&force=true", 200),
        ("/types?x=1", 200),
        ("/heap", 200),
        ("/snapshots", 200),
        ("/profiling", 200),
        ("/unknown", 403),
        ("/purge", 403),
        ("/types?format=json", 403),
    ] {
        links.push((followed(&format!("/debug/memory{below}"), BROWSER), Page(status)));
    }
    links.push((followed("/debug/memory/types", "application/json"), Page(403)));
    let framed = Request::get("/debug/memory/types").authorized().header("accept", BROWSER);
    let framed = framed.header("sec-fetch-site", "cross-site").header("sec-fetch-mode", "navigate");
    links.push((framed.header("sec-fetch-dest", "iframe"), Page(403)));
    links
}

/// Sends a form, follows the redirect and returns the page with its path.
async fn changed(server: &Server, target: &str, body: &str) -> (String, Response) {
    let reply = server.send(send(target, body)).await;
    assert_eq!((reply.status, reply.body.len()), (303, 0), "{}: {reply}", server.name);
    let location = reply.header("location").unwrap();
    // Relative to the folder of the form's path.
    let mut folders: Vec<_> = target.split('/').collect();
    folders.pop();
    for segment in location.split('/') {
        match segment {
            "." => {}
            ".." => drop(folders.pop()),
            segment => folders.push(segment),
        }
    }
    let path = folders.join("/");
    let page = server.send(Request::get(&path).authorized().header("accept", BROWSER)).await;
    assert_eq!(page.status, 200, "{}: {path}: {page}", server.name);
    (path, page)
}

/// The value of the hidden field with the tag of the state.
fn tag(page: &Response) -> String {
    let (_, rest) = page.text().split_once("name=\"if_match\" value=\"").unwrap();
    rest.split('"').next().unwrap().replace("&quot;", "%22")
}

#[test]
fn s73_all_servers_take_show_and_delete_a_snapshot_by_forms() {
    on_all_servers_with(
        &Limits::default(),
        "forms::s73_all_servers_take_show_and_delete_a_snapshot_by_forms",
        async |server| {
            let (path, page) = changed(server, SNAPSHOTS, "label=before+%3Cb%3E").await;
            assert!(path.starts_with(&format!("{SNAPSHOTS}/")), "{path}");
            assert!(page.text().contains("before &lt;b&gt;"), "{}: {page}", server.name);
            let id = path.rsplit('/').next().unwrap();
            assert!(page.text().contains(&format!("action=\"../snapshots/{id}/delete\"")), "{page}");
            let list = server.send(Request::get(SNAPSHOTS).authorized().header("accept", BROWSER)).await;
            assert!(list.text().contains(&format!("href=\"./snapshots/{id}\"")), "{list}");

            // A link that names a snapshot as deleted is not believed.
            let lie = format!("{SNAPSHOTS}?deleted={id}");
            let page = server.send(Request::get(&lie).authorized().header("accept", BROWSER)).await;
            assert!(!page.text().contains("is no longer kept"), "{page}");
            let (after, page) = changed(server, &format!("{path}/delete"), "").await;
            assert_eq!(after, lie);
            assert!(page.text().contains(&format!("<code>{id}</code> is no longer kept")), "{page}");
            assert_eq!(server.send(send(&format!("{path}/delete"), "")).await.status, 404);

            // Programs get the same answers as before there were forms.
            let made = server.send(Request::new("POST", SNAPSHOTS).authorized()).await;
            assert_eq!(made.status, 201, "{made}");
            let location = made.header("location").unwrap();
            let target = format!("/debug/memory/{location}/delete");
            let deleted = server.send(Request::new("POST", target).authorized()).await;
            assert_eq!((deleted.status, deleted.body.len()), (204, 0), "{deleted}");
            let reader =
                form(SNAPSHOTS, "label=x").header("authorization", basic(format!("grafana:{PASSWORD}")));
            assert_eq!(server.send(reader).await.status, 403);
        },
    );
}

#[test]
fn s73_all_servers_change_the_profiler_by_forms() {
    on_all_servers_with(
        &Limits::default(),
        "forms::s73_all_servers_change_the_profiler_by_forms",
        async |server| {
            let first = server.send(Request::get(PROFILING).authorized().header("accept", BROWSER)).await;
            let seen = tag(&first);
            let on = format!("active=true&for_seconds=300&sample_bytes=&if_match={seen}");
            let (_, page) = changed(server, PROFILING, &on).await;
            assert!(
                page.text().contains("This is the state after it")
                    && page.text().contains("heap profiling: on")
            );
            assert!(!page.text().contains("discarded samples"), "the rate is the same: {page}");

            // Another operator has seen the earlier state.
            let before = state(server).await.1;
            let conflict = server.send(send(PROFILING, &on)).await;
            assert_eq!(conflict.status, 409, "{}: {conflict}", server.name);
            assert!(conflict.text().contains("<a href=\"./profiling\">Open Profiling</a>"), "{conflict}");
            assert_eq!(state(server).await.1, before);

            let rate = format!("active=true&for_seconds=300&sample_bytes=65536&if_match={}", tag(&page));
            let (path, page) = changed(server, PROFILING, &rate).await;
            assert!(page.text().contains("changing the rate discarded samples for"), "{page}");
            let off = format!("active=false&if_match={}", tag(&page));
            let (_, after) = changed(server, PROFILING, &off).await;
            assert!(!after.text().contains("End it now"), "{after}");
            let late = server.send(Request::get(&path).authorized().header("accept", BROWSER)).await;
            assert!(late.text().contains("The state has changed again since"), "{late}");

            // Programs get the state itself.
            let text = server.send(send(PROFILING, "active=true&for_seconds=1")).await;
            assert_eq!(text.status, 303);
            let program = Request::new("POST", PROFILING).authorized().header("accept", "application/json");
            let program =
                program.header("content-type", "application/x-www-form-urlencoded").body("active=false");
            let reply = server.send(program).await;
            assert_eq!(reply.status, 200, "{reply}");
            assert_eq!(reply.json()["window"], serde_json::Value::Null);
        },
    );
}

#[test]
fn s73_all_servers_show_the_result_of_a_purge() {
    on_all_servers_with(
        &Limits::default(),
        "forms::s73_all_servers_show_the_result_of_a_purge",
        async |server| {
            let result = server.send(send(PURGE, "")).await;
            assert_eq!(result.status, 200, "{result}");
            assert!(result.text().contains("<th scope=\"row\">dirty pages</th>"), "{result}");
            let text = server.send(Request::new("POST", PURGE).authorized()).await;
            assert!(text.status == 200 && !text.text().contains('<'), "{text}");
        },
    );
}
