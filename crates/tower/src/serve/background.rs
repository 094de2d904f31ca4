//! The page on a thread of its own.

use std::convert::Infallible;
use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::sync::mpsc;
use std::task::Poll;
use std::thread;

use memory_debug_endpoint::memory_debug_core::spawn_thread;
use tokio::runtime;
use tokio::sync::oneshot;

use super::address::ListenAddress;
use super::listener::Listener;
use crate::MemoryDebugLayer;

/// Serves the page at `address` from a thread of its own, for programs that have no runtime.
///
/// `page` is either [`Credentials`](crate::Credentials) or a [`MemoryDebugLayer`] with settings. When this returns,
/// the page can be asked. The thread, `memory-debug`, only waits; what a request collects is collected as ever, when
/// it is asked for.
///
/// # Errors
///
/// As [`Listener::bind`], and if there is no thread to be had.
pub fn start_in_background(
    page: impl Into<MemoryDebugLayer>,
    address: impl Into<ListenAddress>,
) -> io::Result<Handle> {
    let (page, address) = (page.into(), address.into());
    let (stop, stopped) = oneshot::channel();
    let (started, start) = mpsc::channel();
    let thread = spawn_thread(thread::Builder::new().name("memory-debug".to_owned()), move || {
        let runtime = match runtime::Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => return drop(started.send(Err(error))),
        };
        runtime.block_on(async {
            match Listener::bind(address) {
                Ok(listener) => {
                    // The caller waits for it.
                    let _ = started.send(Ok(listener.address().clone()));
                    serve_until(listener.serve(page), stopped).await;
                }
                Err(error) => drop(started.send(Err(error))),
            }
        });
    })?;
    let address = start.recv().unwrap_or_else(|_| Err(io::Error::other("the thread of the page ended")))?;
    Ok(Handle { address, running: Some((stop, thread)) })
}

/// Polls `serving` until the handle is dropped; for ever if it was detached, which is what the message says.
async fn serve_until(serving: impl Future<Output = Infallible>, stopped: oneshot::Receiver<Detached>) {
    let mut serving = pin!(serving);
    let mut stopped = pin!(async {
        if let Ok(Detached) = stopped.await {
            std::future::pending::<()>().await;
        }
    });
    poll_fn(|context| match serving.as_mut().poll(context) {
        Poll::Ready(never) => match never {},
        Poll::Pending => stopped.as_mut().poll(context),
    })
    .await;
}

#[derive(Debug)]
struct Detached;

/// The page that [`start_in_background`] started. Dropped, it ends: its connections are closed, a Unix socket is
/// removed, and the thread is gone when the drop returns.
#[derive(Debug)]
#[must_use = "the page ends when its handle is dropped; `detach` lets it run for as long as the process"]
pub struct Handle {
    address: ListenAddress,
    running: Option<(oneshot::Sender<Detached>, thread::JoinHandle<()>)>,
}

impl Handle {
    /// Where the page can be asked, with the port that the system chose if it was 0.
    #[must_use]
    pub fn address(&self) -> &ListenAddress {
        &self.address
    }

    /// Lets the page run until the process ends. A Unix socket then stays behind, for the next process to replace.
    pub fn detach(mut self) {
        if let Some((stop, _thread)) = self.running.take() {
            // Nobody is there to hear it only if the thread has ended.
            let _ = stop.send(Detached);
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        if let Some((stop, thread)) = self.running.take() {
            drop(stop);
            // It panicked or not: it is gone, which is what is asked of it here.
            let _ = thread.join();
        }
    }
}
