//! Does the time of a refusal reveal anything about the credentials? Sends two classes of requests, a million in
//! random order, and applies Welch's t-test to their times (dudect: Reparaz, Balasch, Verbauwhede, "Dude, is my code
//! constant time?", 2017).
//!
//! `measure/timing/run` runs it and judges: |t| must be below 5, except for `control`. It compares byte by byte, so
//! the test must detect it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use dudect_bencher::rand::Rng;
use dudect_bencher::{BenchRng, Class, CtRunner, ctbench_main};
use memory_debug_endpoint::{Credentials, authenticate};

const SAMPLES: usize = 1_000_000;
const USER: &str = "ops";
const PASSWORD: &str = "jumbled-otters-sip-cold-tea";

ctbench_main!(prefix_of_the_password, user_that_exists, length_of_the_password, control);

/// Wrong passwords of the right length. One class shares all but the last byte with the right password, the other
/// nothing.
fn prefix_of_the_password(runner: &mut CtRunner, rng: &mut BenchRng) {
    let credentials = credentials(PASSWORD);
    let (near, far) =
        (basic(USER, "jumbled-otters-sip-cold-teA"), basic(USER, "JUMBLED+OTTERS+SIP+COLD+TEA"));
    refusals(runner, rng, &credentials, [&near, &far]);
}

/// A wrong password for the right user, and for a user of the same length who does not exist.
fn user_that_exists(runner: &mut CtRunner, rng: &mut BenchRng) {
    let credentials = credentials(PASSWORD);
    let (known, unknown) =
        (basic(USER, "JUMBLED+OTTERS+SIP+COLD+TEA"), basic("sre", "JUMBLED+OTTERS+SIP+COLD+TEA"));
    refusals(runner, rng, &credentials, [&known, &unknown]);
}

/// The same request, where the right password is as long as the sent password, or longer. The addresses of
/// credentials and the work just before also affect the time. So both credentials are made for each sample, in random
/// order, and only one of them checks the request.
fn length_of_the_password(runner: &mut CtRunner, rng: &mut BenchRng) {
    let longer = format!("{PASSWORD}{PASSWORD}!");
    let header = basic(USER, "JUMBLED+OTTERS+SIP+COLD+TEA");
    for same_is_first in choices(rng) {
        let passwords = if same_is_first { [PASSWORD, &longer] } else { [&*longer, PASSWORD] };
        let made = passwords.map(credentials);
        let first_is_asked = rng.r#gen::<bool>();
        let class = if same_is_first == first_is_asked { Class::Left } else { Class::Right };
        refusal(runner, class, &made[usize::from(!first_is_asked)], &header);
    }
}

/// A comparison that ends early, to prove that the test detects it.
fn control(runner: &mut CtRunner, rng: &mut BenchRng) {
    let right = vec![b'a'; 256];
    let (mut near, mut far) = (right.clone(), right.clone());
    (near[255], far[0]) = (b'b', b'b');
    let equal =
        |sent: &[u8]| sent.iter().zip(&right).all(|(sent, right)| std::hint::black_box(sent) == right);
    for is_left in choices(rng) {
        let (class, sent) = if is_left { (Class::Left, &near) } else { (Class::Right, &far) };
        runner.run_one(class, || equal(sent));
    }
}

fn refusals(runner: &mut CtRunner, rng: &mut BenchRng, credentials: &Credentials, headers: [&String; 2]) {
    for is_left in choices(rng) {
        let (class, header) = if is_left { (Class::Left, headers[0]) } else { (Class::Right, headers[1]) };
        refusal(runner, class, credentials, header);
    }
}

fn refusal(runner: &mut CtRunner, class: Class, credentials: &Credentials, header: &str) {
    // Copies the header, so that the headers of both classes are at the same address.
    let header = header.as_bytes().to_vec();
    runner.run_one(class, || assert!(authenticate(credentials, [&header[..]]).is_err()));
}

fn choices(rng: &mut BenchRng) -> Vec<bool> {
    (0..SAMPLES).map(|_| rng.r#gen()).collect()
}

fn credentials(password: &str) -> Credentials {
    Credentials::new(USER, password).expect("a strong password")
}

fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}
