//! The effect of a flood of refused requests on the other routes of the service.

use std::time::Duration;

use super::Verdict;
use super::flood::{CONNECTIONS, RATE};
use crate::Result;
use crate::open_loop::{Stream, run};
use crate::process_state::processor_time;
use crate::request::{HOME, NOWHERE, get, unauthorized};
use crate::service::Service;

/// The number of rounds, which is odd so that there is one median.
const ROUNDS: usize = 9;
const DURATION: Duration = Duration::from_secs(2);
/// The largest ratio to the latency of the idle service.
const MOST: f64 = 1.2;

/// Compares the latency of the application's own page without other requests, during a flood that the application
/// answers 404, and during a flood that the endpoint answers 401. Each is measured for a few seconds in turn, because
/// the speed of a machine varies. The result is the median of the rounds.
///
/// The promise compares with the idle service. But ten thousand requests a second of any kind cost something. The 404
/// flood shows how much of this is due to the machine and the framework. If it alone breaks the promise, the endpoint
/// is compared with the 404 flood instead.
pub fn neighbour(service: &Service) -> Result<Verdict> {
    let mut idle = Rounds::new(None);
    let mut not_found = Rounds::new(Some((404, vec![get(NOWHERE, None)])));
    let mut refused = Rounds::new(Some((401, unauthorized())));
    for round in 0..ROUNDS {
        let mut kinds = [&mut idle, &mut not_found, &mut refused];
        kinds.rotate_left(round % 3);
        for kind in kinds {
            kind.measure(service)?;
        }
    }
    let ratio = |of: &Rounds, to: &Rounds| of.p99().as_secs_f64() / to.p99().as_secs_f64();
    let (to_idle, to_control, control) =
        (ratio(&refused, &idle), ratio(&refused, &not_found), ratio(&not_found, &idle));
    let (is_kept, judged) = if to_idle <= MOST {
        (true, "kept against the idle service")
    } else if control > MOST {
        (
            to_control <= MOST,
            "NOT kept against the idle service, not even by the 404 flood; judged against the 404 flood",
        )
    } else {
        (false, "NOT kept against the idle service, although the 404 flood keeps it")
    };
    let figures = format!(
        "p99 of {HOME} idle {idle}; with {RATE} 404 a second {not_found}, {control:.2} of idle; with {RATE} 401 a \
         second {refused}, {to_idle:.2} of idle, {to_control:.2} of 404; at most {MOST}: {judged}"
    );
    Ok(Verdict { is_kept, figures })
}

/// The measurements of one kind of load, over several rounds.
struct Rounds {
    /// The requests of the flood, and the status that they must get.
    flood: Option<(u16, Vec<Vec<u8>>)>,
    p50: Vec<Duration>,
    p99: Vec<Duration>,
    processor_time: Duration,
}

impl Rounds {
    fn new(flood: Option<(u16, Vec<Vec<u8>>)>) -> Self {
        Self { flood, p50: Vec::new(), p99: Vec::new(), processor_time: Duration::ZERO }
    }

    fn measure(&mut self, service: &Service) -> Result<()> {
        let before = processor_time(service)?;
        let home = Stream { requests_per_second: 500, connections: 8, requests: vec![get(HOME, None)] };
        let home = match &self.flood {
            None => {
                let [home] = run(service.address, [home], DURATION)?;
                home
            }
            Some((status, requests)) => {
                let requests = requests.clone();
                let flood = Stream { requests_per_second: RATE, connections: CONNECTIONS, requests };
                let [home, flood] = run(service.address, [home, flood], DURATION)?;
                flood.must_all_be(*status)?;
                home
            }
        };
        home.must_all_be(200)?;
        self.p50.push(home.percentile(50.0));
        self.p99.push(home.percentile(99.0));
        self.processor_time += processor_time(service)? - before;
        Ok(())
    }

    fn p99(&self) -> Duration {
        median(&self.p99)
    }
}

impl std::fmt::Display for Rounds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let measured = DURATION * self.p99.len() as u32;
        let processors = 100.0 * self.processor_time.as_secs_f64() / measured.as_secs_f64();
        write!(f, "{:.1?} (p50 {:.1?}, {processors:.0} % of a processor)", self.p99(), median(&self.p50))
    }
}

fn median(values: &[Duration]) -> Duration {
    let mut values = values.to_vec();
    values.sort();
    values[values.len() / 2]
}
