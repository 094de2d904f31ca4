//! The credentials of the memory page.

use std::env;
use std::error::Error;

use memory_debug_endpoint::{Credentials, CredentialsErrorKind, generate_password};

/// Returns the credentials from the environment, or new ones with a generated password if there is no
/// password. Also returns the argument for `curl -u`: without the password if it is configured, because curl
/// asks for it.
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
