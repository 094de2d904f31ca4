//! Authentication: proves who sends a request, and turns away everyone else.

mod authenticate;
mod credentials;
pub(crate) mod cross_site;
mod digest;
mod gate;
mod guess_limiter;
mod role;
mod secret;
mod strength;
mod transport;

pub use self::authenticate::{Authorized, Unauthorized, authenticate};
pub use self::credentials::{Credentials, CredentialsError, CredentialsErrorKind, generate_password};
pub(crate) use self::gate::{Gate, Refusal};
pub use self::role::Role;
#[cfg(feature = "peers")]
pub(crate) use self::secret::Secret;
pub(crate) use self::transport::{PlainHttp, Transport};
