//! The state of web servers that run: axum on tokio, and actix on a thread of its own.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::mpsc::channel;
use std::sync::{Arc, RwLock};
use std::thread;

use actix_web::{App, HttpServer, web};
use axum::Router;
use axum::extract::State;
use axum::routing::get;
use tokio::runtime::Runtime;

use crate::element::*;
use crate::ledger::own;
use crate::scale::count;

/// The state of the axum server.
type Accounts = Arc<RwLock<HashMap<u64, Arc<RwLock<Account>>>>>;

struct Account {
    head: AccountHead,
    entries: Vec<LedgerEntry>,
}

/// The state of the actix server.
struct Catalogue {
    products: HashMap<u64, Box<Product>>,
}

pub(crate) fn populate(runtime: &Runtime) {
    let accounts: Accounts = Arc::default();
    own("axum state: map", || {
        let mut map = accounts.write().expect("not poisoned");
        for n in 0..count(40_000) {
            let entries = own("axum state: entries", || vec![LedgerEntry::nth(n)]);
            let account = Account { head: AccountHead::nth(n), entries };
            map.insert(n, own("axum state: accounts", || Arc::new(RwLock::new(account))));
        }
    });
    let router = Router::new().route("/accounts", get(accounts_count)).with_state(accounts);
    let address = runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let address = listener.local_addr().expect("an address");
        tokio::spawn(async { axum::serve(listener, router).await });
        address
    });
    ask(address, "/accounts");
    ask(actix(), "/products");
}

async fn accounts_count(State(accounts): State<Accounts>) -> String {
    let accounts = accounts.read().expect("not poisoned");
    let words = accounts.values().map(|account| {
        let account = account.read().expect("not poisoned");
        account.head.first() ^ account.entries[0].first()
    });
    std::hint::black_box(words.fold(0, |all, word| all ^ word));
    accounts.len().to_string()
}

/// Starts the server.
fn actix() -> SocketAddr {
    let (started, start) = channel();
    let run = move || {
        actix_web::rt::System::new().block_on(async {
            let products = own("actix state: map", || {
                let product = |n| (n, own("actix state: products", || Box::new(Product::nth(n))));
                (0..count(60_000)).map(product).collect()
            });
            let data = web::Data::new(RwLock::new(Catalogue { products }));
            let app =
                move || App::new().app_data(data.clone()).route("/products", web::get().to(products_count));
            let server = HttpServer::new(app).workers(1).disable_signals();
            let server = server.bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
            started.send(server.addrs()[0]).expect("the main thread waits");
            server.run().await
        })
    };
    thread::Builder::new().name("actix".into()).spawn(run).expect("a thread");
    start.recv().expect("the server starts")
}

async fn products_count(catalogue: web::Data<RwLock<Catalogue>>) -> String {
    let catalogue = catalogue.read().expect("not poisoned");
    std::hint::black_box(
        catalogue.products.values().map(|product| product.first()).fold(0, |all, word| all ^ word),
    );
    catalogue.products.len().to_string()
}

/// Sends one request, so that the server has worked before a scan.
fn ask(address: SocketAddr, path: &str) {
    let mut client = TcpStream::connect(address).expect("the server listens");
    write!(client, "GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").expect("sent");
    let mut answer = String::new();
    client.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 200"), "{path} answered {answer:?}");
}
