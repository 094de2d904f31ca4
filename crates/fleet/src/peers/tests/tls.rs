//! Tests with peers over TLS, and their certificates.

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::crypto::ring;
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, Stream};

use super::*;

/// A certificate authority.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    /// Starts a peer with a certificate for `name` that is valid until the end of `year`.
    fn peer(&self, name: &str, year: i32, answer: Vec<u8>) -> String {
        self.peer_of(name, [1975, year], answer)
    }

    /// Starts a peer with a certificate that is valid in `years`.
    fn peer_of(&self, name: &str, years: [i32; 2], answer: Vec<u8>) -> String {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        params.not_before = date_time_ymd(years[0], 1, 1);
        params.not_after = date_time_ymd(years[1], 12, 31);
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let config = config.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let config = Arc::new(config.with_single_cert(vec![certificate.der().clone()], key).unwrap());
        let (listener, url) = listen();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut connection = ServerConnection::new(Arc::clone(&config)).unwrap();
                let (mut stream, answer) = (stream.unwrap(), answer.clone());
                thread::spawn(move || {
                    let mut stream = Stream::new(&mut connection, &mut stream);
                    let mut first = [0];
                    // A client that does not trust the certificate sends nothing.
                    if stream.read_exact(&mut first).is_ok() {
                        read_request(&mut stream);
                        let _ = stream.write_all(&answer);
                    }
                });
            }
        });
        url.replace("http://127.0.0.1", "https://localhost")
    }
}

/// The detail of the only missing peer.
fn reason(peers: Peers) -> String {
    let fleet = fleet(peers);
    let missing = fleet["missing"].as_array().unwrap();
    assert_eq!((missing.len(), &missing[0]["reason"]), (1, &json!("tls")), "{fleet}");
    missing[0]["detail"].as_str().unwrap().to_owned()
}

#[test]
fn s17_a_peer_with_a_certificate_of_a_trusted_authority_is_asked() {
    let (one, other) = (Authority::new(), Authority::new());
    let urls = [one.peer("localhost", 2999, report(1)), other.peer("localhost", 2999, report(2))];
    let trusting = peers().authority(&one.pem).unwrap().authority(&other.pem).unwrap();
    let all = urls.iter().try_fold(trusting, |peers, url| peers.instance(url)).unwrap();
    let fleet = fleet(all);
    assert_eq!(
        (&fleet["complete"], fleet["instances"].as_array().unwrap().len()),
        (&json!(true), 3),
        "{fleet}"
    );
}

#[test]
fn s17_only_a_peer_with_a_trusted_certificate_gets_the_secret() {
    let (trusted, other) = (Authority::new(), Authority::new());
    let detail = |authority: &Authority, name: &str, year| {
        let url = authority.peer(name, year, report(1));
        reason(peers().authority(&trusted.pem).unwrap().instance(url).unwrap())
    };
    assert!(detail(&other, "localhost", 2999).contains("`Peers::authority`"));
    assert_eq!(detail(&trusted, "shop.example", 2999), "its certificate is for another name");
    assert_eq!(detail(&trusted, "localhost", 2001), "its certificate has expired");
    let url = trusted.peer_of("localhost", [2998, 2999], report(1));
    let early = reason(peers().authority(&trusted.pem).unwrap().instance(url).unwrap());
    assert_eq!(early, "its certificate is not valid yet; check the clocks of both machines");
    // Without configured authorities, the certificate must come from one of the system's.
    let url = trusted.peer("localhost", 2999, report(1));
    assert!(reason(peers().instance(url).unwrap()).contains("authority"));
}

#[test]
fn a_peer_without_tls_is_missing() {
    let (plain, url) = listen();
    let all =
        peers().authority(Authority::new().pem).unwrap().instance(url.replace("http:", "https:")).unwrap();
    assert_eq!(missing(&fleet(all.clone()))[0].1, "deadline", "it sends nothing");
    thread::spawn(move || {
        // The first connection belongs to the earlier request, which was given up.
        for stream in plain.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
            let _ = stream.read(&mut [0; 1024]);
        }
    });
    assert_eq!(reason(all), "it does not speak TLS");
}

#[test]
fn a_peer_that_closes_during_the_handshake_is_missing() {
    let (silent, url) = listen();
    thread::spawn(move || silent.incoming().for_each(|stream| drop(stream.unwrap())));
    let all =
        peers().authority(Authority::new().pem).unwrap().instance(url.replace("http:", "https:")).unwrap();
    assert!(reason(all).starts_with("TLS: "));
}

#[test]
fn an_incomplete_answer_over_tls_is_refused() {
    let authority = Authority::new();
    let whole = report(1);
    let url = authority.peer("localhost", 2999, whole[..whole.len() - 1].to_vec());
    let fleet = fleet(peers().authority(&authority.pem).unwrap().instance(&url).unwrap());
    assert_eq!(missing(&fleet), [(url.as_str(), "no-report")]);
}

#[test]
fn a_text_that_is_not_a_certificate_is_refused_as_an_authority() {
    let damaged = Authority::new().pem.replace("MII", "AII");
    for pem in ["", "no PEM", "-----BEGIN CERTIFICATE-----\n", damaged.as_str()] {
        let refused = peers().authority(pem).unwrap_err();
        assert_eq!(refused.kind(), PeerErrorKind::Authority, "{refused}");
    }
    let second = peers().authority(Authority::new().pem + &damaged).unwrap_err();
    assert!(second.to_string().contains("certificate number 2 cannot be parsed"), "{second}");
}
