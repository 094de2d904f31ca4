//! The same table against the unmodified example services, with their own routes around the page and the real
//! collector.

use actix_web::{App, HttpServer};
use axum_service::{AppState, Config, OptIns};
use memory_debug_actix::MemoryDebug;
use memory_debug_tests::{Server, credentials};
use tokio::net::TcpListener;

use super::cases::{Case, Expected, cases};
use super::{Answer, hold, servers};

/// A header field of every answer of the page, and of no other answer.
const OF_THE_PAGE: &str = "content-security-policy";

async fn all(state: &AppState) -> [(&'static str, Server); 3] {
    // The table has aliases.
    let opt_ins = OptIns { pprof_aliases: true, peers: Some(servers::peers()), ..OptIns::default() };
    let axum = Server::start(axum_service::app_with(state, credentials(), opt_ins.clone())).await;

    let memory = MemoryDebug::new(credentials()).configure(|endpoint| opt_ins.clone().apply(endpoint));
    let routes = state.clone();
    let actix = Server::actix(|listener| {
        let app = move || App::new().configure(actix_web_service::routes(&routes)).wrap(memory.clone());
        HttpServer::new(app).workers(1).disable_signals().listen(listener).unwrap().run()
    });

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = tower_hyper_service::app_with(state.clone(), credentials(), opt_ins);
    let serving = tokio::spawn(tower_hyper_service::serve(listener, app, std::future::pending()));
    let tower = Server::ended_by(address, move || serving.abort());

    [("axum-service", axum), ("actix-web-service", actix), ("tower-hyper-service", tower)]
}

/// The parts of an answer that must not differ: all of a refusal, but of a page not its bytes and length,
/// because the process changes all the time.
fn constant((status, fields, body): &Answer) -> Answer {
    if *status != 200 {
        return (*status, fields.clone(), body.clone());
    }
    let fields = fields.iter().filter(|(name, _)| name != "content-length").cloned().collect();
    (200, fields, Vec::new())
}

fn is_page(answer: &Answer) -> bool {
    answer.1.iter().any(|(name, _)| name == OF_THE_PAGE)
}

/// The reason why `answer` is wrong, if it is.
fn complaint(
    case: &Case,
    expected: Expected,
    answer: Option<&Answer>,
    model: Option<&Answer>,
) -> Option<String> {
    let difference = |what: &str| Some(format!("{case}: {what}: {answer:?} instead of {model:?}"));
    match (expected, answer, model) {
        (Expected::Page(status), Some(answer), Some(model)) => {
            if answer.0 != status || constant(answer) != constant(model) {
                return difference("differs from the first server");
            }
            let shown = status == 200 && !answer.2.is_empty();
            (status == 200 && shown == model.2.is_empty())
                .then(|| difference("only one of the servers sends a body"))?
        }
        (Expected::Page(_), ..) => difference("no answer"),
        (Expected::Application | Expected::Decoded, Some(answer), _) if is_page(answer) => {
            difference("the page")
        }
        (Expected::Application | Expected::Decoded, None, _) => difference("no answer"),
        (Expected::Server, Some(answer), _) if answer.0 < 400 => difference("accepted"),
        _ => None,
    }
}

#[tokio::test]
async fn s73_examples_answer_like_the_table() {
    let state = AppState::start(&Config::small());
    let examples = all(&state).await;
    let model = servers::first().await;
    let mut complaints = Vec::new();
    for case in &cases() {
        let models = hold(&model, case).await;
        for (name, example) in &examples {
            let answers = hold(example, case).await;
            assert_eq!(answers.len(), case.exchanges.len(), "{name}: {case}");
            let exchanges = answers.iter().zip(&models).zip(&case.exchanges);
            let wrong = exchanges.filter_map(|((answer, model), (_, expected))| {
                complaint(case, *expected, answer.as_ref(), model.as_ref())
            });
            complaints.extend(wrong.map(|complaint| format!("{name}: {complaint}")));
        }
    }
    state.close();
    assert!(complaints.is_empty(), "{}\n{}", complaints.len(), complaints.join("\n"));
}
