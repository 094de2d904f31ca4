//! Tests of what the commands print, and of their messages when a request fails.

use crate::run::{check, differs};
use crate::server::Kind::{self, Dead, Says, Service, Stranger};

const ONE: Kind = Service("one");
const OTHER: Kind = Service("other");
const REDIRECT: &str = "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n";
const WEB_PAGE: &str = "HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\n<html>";
const COUNTING: &str = "HTTP/1.1 409 Conflict\r\nconnection: close\r\n\r\n\
    {\"title\": \"already counting\", \"detail\": \"the tracer already counts, started by ops; wait, or stop it first\"}";
const NO_SCAN: &str = "HTTP/1.1 409 Conflict\r\nconnection: close\r\n\r\n\
    {\"title\": \"no scan\", \"detail\": \"no scan of this process has ended; GET /holders without `last` starts one\"}";
const BUSY: &str = "HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\n\r\n\
    {\"title\": \"busy\", \"detail\": \"later \\u001b[2J\"}";

#[test]
fn one_instance() {
    check([
        differs("fetch", "fetch {0}", &[ONE]),
        differs("fetch-json", "fetch {0} --json", &[ONE]),
        differs("types", "types {0}", &[ONE]),
        differs("types-json", "types {0} --json", &[ONE]),
        differs("doctor", "doctor {0}", &[ONE]),
        differs("doctor-notice", "doctor {0} --fail-on notice", &[ONE]),
        differs("doctor-json", "doctor {0} --json", &[ONE]),
    ]);
}

#[test]
fn a_trace() {
    check([
        differs("trace", "trace {0} --seconds 1", &[ONE]),
        differs("trace-saved", "trace {0} --seconds 1 --format text -o /dev/null", &[ONE]),
        differs("trace-counting", "trace {0}", &[Says(COUNTING)]),
        differs("trace-ending", "trace {0} -o trace.heapsnapshot", &[ONE]),
        differs("trace-endless", "trace {0} --seconds 601", &[ONE]),
    ]);
}

#[test]
fn holders() {
    check([
        differs("holders", "holders {0}", &[ONE]),
        differs("holders-json", "holders {0} --type Node --scans 1 --format json", &[ONE]),
        differs("holders-saved", "holders {0} --last -o /dev/null --format text", &[ONE]),
        differs("holders-none", "holders {0} --last", &[Says(NO_SCAN)]),
        differs("holders-ending", "holders {0} -o holders.png", &[ONE]),
        differs("holders-last", "holders {0} --last --scans 1", &[ONE]),
        differs("holders-depth", "holders {0} --depth 0", &[ONE]),
    ]);
}

#[test]
fn many_instances() {
    check([
        differs("fleet", "fleet {0} {1}", &[ONE, OTHER]),
        differs("fleet-json", "fleet {0} {1} --json --top 2", &[ONE, OTHER]),
        differs("fleet-filter", "fleet {0} {1} --top 1 --filter HashMap", &[ONE, OTHER]),
        differs("fleet-one-twice", "fleet {0} {1}", &[ONE, ONE]),
        differs("fleet-through", "fleet --through {0} --top 3", &[ONE]),
        differs(
            "fleet-incomplete",
            "fleet {0} {1} {2} {3} {4} {5} --top 3",
            &[ONE, Stranger, Dead, Says(REDIRECT), Says(WEB_PAGE), Says(BUSY)],
        ),
        differs("fleet-through-no-answer", "fleet --through {0}", &[Says(BUSY)]),
        differs("fleet-no-answer", "fleet {0} {1}", &[Dead, Stranger]),
    ]);
}

#[test]
fn two_reports() {
    check([
        differs("diff", "diff one/overview.json later/overview.json", &[]),
        differs("diff-json", "diff one/overview.json later/overview.json --json --top 2", &[]),
        differs("diff-nothing", "diff one/overview.json one/overview.json", &[]),
        differs("diff-no-report", "diff one/overview.json one/overview.txt", &[]),
        differs("diff-newer", "diff one/overview.json newer/overview.json", &[]),
        differs("diff-no-file", "diff one/overview.json none.json", &[]),
    ]);
}

#[test]
fn converted_files() {
    check([
        differs("convert-collapsed", "convert convert/stacks.collapsed - --format speedscope", &[]),
        differs("convert-speedscope", "convert convert/trace.speedscope.json - --format cpuprofile", &[]),
        differs(
            "convert-event",
            "convert convert/trace.speedscope.json - --format collapsed --event allocated",
            &[],
        ),
        differs("convert-left-out", "convert convert/trace.speedscope.json - --format heapprofile", &[]),
        differs("convert-trace", "convert convert/trace.json - --format callgrind", &[]),
        differs("convert-no-event", "convert convert/stacks.collapsed - --format pprof --event Bytes", &[]),
        differs("convert-no-unit", "convert convert/stacks.collapsed heap.heapprofile", &[]),
        differs("convert-no-signs", "convert convert/grown.collapsed - --format speedscope", &[]),
        differs("convert-no-stacks", "convert convert/trace.callgrind - --format speedscope", &[]),
        differs("convert-no-format", "convert convert/stacks.collapsed stacks.txt", &[]),
        differs("convert-no-names", "convert convert/jeprof.heap heap.callgrind", &[]),
        differs(
            "convert-no-program",
            "convert convert/jeprof.heap heap.callgrind --binary one/types.txt",
            &[],
        ),
        differs("convert-not-a-file", "convert one/overview.json heap.callgrind", &[]),
        differs("heap-growth", "heap {0} --seconds 3 -o heap.heapsnapshot", &[ONE]),
    ]);
}

#[test]
fn no_answer() {
    check([
        differs("no-dead", "types {0}", &[Dead]),
        differs("no-stranger", "types {0}", &[Stranger]),
        differs("no-redirect", "types {0}", &[Says(REDIRECT)]),
        differs("no-busy", "types {0}", &[Says(BUSY)]),
        differs("no-web-page", "doctor {0}", &[Says(WEB_PAGE)]),
        differs("no-such-page", "heap {0} -o /nonexistent/x", &[ONE]),
    ]);
}

#[test]
fn wrong_usage() {
    check([
        differs("usage-nothing", "", &[]),
        differs("usage-unknown", "typse", &[]),
        differs("usage-fleet", "fleet", &[]),
        differs("usage-seconds", "fleet host --deadline 0", &[]),
        differs("usage-conflict", "fleet host --through host", &[]),
        differs("usage-scheme", "types ftp://host", &[]),
        differs("usage-password", "types http://ops:s3cret@host", &[]),
        differs("usage-user", "types http://localhost:1 --user ops:s3cret", &[]),
        differs("usage-list", "fleet --http-sd file:///etc/passwd", &[]),
        differs("usage-plain-http", "types http://shop.example:8080", &[]),
        differs("usage-plain-http-fleet", "fleet http://shop.example:8080", &[]),
    ]);
}
