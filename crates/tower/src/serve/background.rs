//! The thread that serves the page.

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

/// Serves the page at `address` on a new thread, for programs that have no runtime.
///
/// `page` is either [`Credentials`](crate::Credentials) or a [`MemoryDebugLayer`] with settings. When this function
/// returns, the page answers. The thread is called `memory-debug` and only waits for requests. As everywhere, data is
/// collected only when a request asks for it.
///
/// # Errors
///
/// The errors of [`Listener::bind`], and an error if the thread cannot be started.
pub fn start_in_background(
    page: impl Into<MemoryDebugLayer>,
    address: impl Into<ListenAddress>,
) -> io::Result<Handle> {
    let page = page.into();
    let address = address.into();
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
                    // Cannot fail: the caller is waiting for it.
                    let _ = started.send(Ok(listener.address().clone()));
                    serve_until(listener.serve(page), stopped).await;
                }
                Err(error) => drop(started.send(Err(error))),
            }
        });
    })?;
    let address = start
        .recv()
        .unwrap_or_else(|_| Err(io::Error::other("the thread that serves the page ended unexpectedly")))?;
    Ok(Handle { address, running: Some((stop, thread)) })
}

/// Polls `serving` until the handle is dropped, or for ever once the handle is detached.
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

/// The message that the page must run until the process ends.
#[derive(Debug)]
struct Detached;

/// The page that [`start_in_background`] started.
///
/// Dropping it ends the page: it closes the connections, removes a Unix socket, and waits for the thread to end.
#[derive(Debug)]
#[must_use = "the page ends when its handle is dropped; `detach` keeps it until the process ends"]
pub struct Handle {
    address: ListenAddress,
    running: Option<(oneshot::Sender<Detached>, thread::JoinHandle<()>)>,
}

impl Handle {
    /// The address of the page. If the requested port was 0, it contains the port that the system chose.
    #[must_use]
    pub fn address(&self) -> &ListenAddress {
        &self.address
    }

    /// Keeps the page until the process ends. A Unix socket then stays behind, and the next process replaces it.
    pub fn detach(mut self) {
        if let Some((stop, _thread)) = self.running.take() {
            // Fails only if the thread has ended, and then there is nothing to detach.
            let _ = stop.send(Detached);
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        if let Some((stop, thread)) = self.running.take() {
            drop(stop);
            // The thread has ended, with or without a panic. That is all that matters here.
            let _ = thread.join();
        }
    }
}
