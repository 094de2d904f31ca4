//! Growth within some seconds: two collections, and the wait between them.
//!
//! The wait is a future of the request, which the supervisor wakes. It holds neither a thread nor a slot, so
//! other requests are answered meanwhile. It does hold a profile, so the number of such waits is limited. A
//! request that goes away frees all of this.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use super::alarms::{Permit, Wait};
use super::{Answer, Flights};
use crate::auth::Authorized;
use crate::reply::Problem;
use crate::view::{RenderRequest, Watch};

/// The future answer to a request for growth.
pub(crate) struct Growth(Pin<Box<dyn Future<Output = Answer> + Send + Sync>>);

impl Flights {
    /// Makes the two steps of a page that shows growth. The first collection starts now.
    ///
    /// # Errors
    ///
    /// The errors of [`Flights::join`], and if too many growths are being measured.
    pub(crate) fn grow(
        self: &Arc<Self>,
        request: &RenderRequest,
        watch: Watch,
        proof: &Authorized,
    ) -> Result<Growth, Problem> {
        let permit = Permit::take(self.shared(), Wait::Growth, proof)?;
        let Watch { span, begin, end } = watch;
        let first = self.join(request.for_page(begin), proof)?;
        let end = request.for_page(end);
        let flights = Arc::clone(self);
        let proof = proof.clone();
        Ok(Growth(Box::pin(async move {
            first.await?;
            permit.wait_until(Instant::now() + span).await?;
            flights.join(end, &proof)?.await
        })))
    }
}

impl Future for Growth {
    type Output = Answer;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Answer> {
        self.0.as_mut().poll(context)
    }
}

impl fmt::Debug for Growth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Growth").finish_non_exhaustive()
    }
}
