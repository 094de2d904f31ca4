//! Who may see the memory page.

use std::env;
use std::error::Error;

use memory_debug_endpoint::{Credentials, CredentialsErrorKind, generate_password};

/// The credentials from the environment or, if there is no password in it, with a fresh one. Also what to give to
/// `curl -u`: a configured password is not repeated there, curl asks for it.
pub(crate) fn credentials() -> Result<(Credentials, String), Box<dyn Error>> {
    let user = env::var("MEMORY_DEBUG_USER").unwrap_or_else(|_| "ops".to_owned());
    match Credentials::from_env() {
        Ok(credentials) => Ok((credentials, user)),
        Err(error) if error.kind() == CredentialsErrorKind::Missing => {
            let password = generate_password()?;
            let login = format!("{user}:{password}");
            Ok((Credentials::new(user, password)?, login))
        }
        Err(error) => Err(error.into()),
    }
}
