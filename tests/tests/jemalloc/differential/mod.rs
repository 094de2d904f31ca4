//! S73: however the page is mounted, it answers the same request with the same bytes.
//!
//! One table of conversations ([`cases`]) is held with every server that can contain the page ([`servers`]). The
//! reference is axum with the layer: status, header fields and body of every answer must be equal to its answer, except
//! for fields that the server sets by itself.

mod cases;
mod changes;
mod examples;
mod forms;
mod heap_cases;
mod metrics_cases;
mod over_http2;
mod peers_cases;
mod servers;

use memory_debug_tests::{self as tests, Connection, Request, Response};

use self::cases::{Case, Expected, cases_without_profile};
use self::servers::{APPLICATION, Mount, Server};

/// Header fields that an application or a server can choose. All other fields are the page's, or follow from
/// it.
const OF_THE_SERVER: [(&str, &str); 2] =
    [("date", "the time"), ("connection", "the server and the client decide whether to keep the connection")];

/// Header fields of answers to HEAD: axum's router states the length of the body that it gets, which is
/// empty.
const OF_THE_SERVER_IN_HEAD: &str = "content-length";

/// Status, sorted header fields without the server's own, and body.
type Answer = (u16, Vec<(String, String)>, Vec<u8>);

fn comparable(request: &Request, response: Response) -> Answer {
    (response.status, comparable_fields(request, response.headers), response.body)
}

fn comparable_fields(request: &Request, fields: Vec<(String, String)>) -> Vec<(String, String)> {
    let of_the_server = |name: &str| {
        OF_THE_SERVER.iter().any(|(known, _)| *known == name)
            || (request.is_head() && name == OF_THE_SERVER_IN_HEAD)
    };
    let mut fields: Vec<_> = fields.into_iter().filter(|(name, _)| !of_the_server(name)).collect();
    fields.sort();
    fields
}

/// Holds the conversation of `case` with `server`. `None` for requests after which the server hung up without
/// an answer.
async fn hold(server: &tests::Server, case: &Case) -> Vec<Option<Answer>> {
    let mut connection = Connection::open(server.address()).await;
    let requests: Vec<_> = case.exchanges.iter().map(|(request, _)| request).collect();
    if case.pipelined {
        let responses = connection.pipeline(requests.iter().copied().cloned()).await;
        return requests
            .iter()
            .zip(responses)
            .map(|(request, answer)| Some(comparable(request, answer)))
            .collect();
    }
    let mut answers = Vec::new();
    for request in requests {
        let mut response = connection.exchange_if_answered(request.clone()).await;
        // Asks the client to send its body. The answer follows.
        while response.as_ref().is_some_and(|response| response.status == 100) {
            response = Some(connection.receive().await);
        }
        // A server that did not read a body may announce the end of the connection. The client then opens
        // another one.
        if response.as_ref().is_some_and(|response| response.header("connection").as_deref() == Some("close"))
        {
            connection = Connection::open(server.address()).await;
        }
        answers.push(response.map(|response| comparable(request, response)));
    }
    answers
}

/// Whether an answer is as the table expects, independently of the other servers.
fn is_expected(server: &Server, expected: Expected, answer: Option<&Answer>) -> bool {
    let status = answer.map(|(status, ..)| *status);
    let body = answer.map_or(&[][..], |(_, _, body)| body);
    match expected {
        Expected::Page(expected) => status == Some(expected),
        Expected::Decoded if server.mount == Mount::DecodingRouter => matches!(status, Some(401 | 404)),
        Expected::Application | Expected::Decoded => {
            let (expected, text) = APPLICATION[usize::from(server.mount == Mount::Alone)];
            status == Some(expected) && body == text.as_bytes()
        }
        Expected::Server => {
            let shows_data = body.windows(8).any(|part| part == b"instance" || part == b"resident");
            status.is_none_or(|status| status >= 400) && !shows_data
        }
    }
}

#[tokio::test]
async fn s73_all_servers_answer_identically() {
    let cases = cases_without_profile();
    assert!(cases.len() >= 400, "{} cases", cases.len());
    let servers = servers::all().await;
    let mut differences = Vec::new();
    for case in &cases {
        // The answers and the number of collections of the first server are expected of all others.
        let mut first: Option<(Vec<_>, usize)> = None;
        for server in &servers {
            let before = server.collector.count();
            let answers = hold(server, case).await;
            let collected = server.collector.count() - before;
            let (model, most) = first.get_or_insert((answers.clone(), collected));
            let mut fail = |what: &str| {
                differences
                    .push(format!("{}: {case}: {what}: {answers:?} instead of {model:?}", server.name));
            };
            if (answers.len(), collected) != (case.exchanges.len(), *most) {
                fail("answers or collections are missing");
            }
            for ((answer, model), (_, expected)) in answers.iter().zip(model.iter()).zip(&case.exchanges) {
                if !is_expected(server, *expected, answer.as_ref()) {
                    fail("differs from the table");
                } else if expected.is_alike_on(server.mount) && answer != model {
                    fail("differs from the first server");
                }
            }
        }
    }
    assert!(differences.is_empty(), "{} of {}\n{}", differences.len(), cases.len(), differences.join("\n"));
}
