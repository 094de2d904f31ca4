//! The page as one of the application's services.

use std::rc::Rc;

use actix_web::Error;
use actix_web::dev::{
    AppService, HttpServiceFactory, ResourceDef, ServiceRequest, ServiceResponse, fn_service,
};
use memory_debug_endpoint::Endpoint;

use crate::memory_debug::MemoryDebug;
use crate::reply::{Answer, handle};

impl HttpServiceFactory for MemoryDebug {
    fn register(self, config: &mut AppService) {
        self.endpoint.listen();
        let endpoint = Rc::new(self.endpoint);
        // Aliases come first, because an alias can be below the base path.
        for &alias in endpoint.alias_paths() {
            register(config, ResourceDef::new(alias), &endpoint, alias);
        }
        register(
            config,
            ResourceDef::prefix(endpoint.base_path().to_owned()),
            &endpoint,
            endpoint.base_path(),
        );
    }
}

/// Registers the page for `resource`, whose paths begin with `path` inside their scope.
fn register(config: &mut AppService, resource: ResourceDef, endpoint: &Rc<Endpoint>, path: &str) {
    let endpoint = Rc::clone(endpoint);
    let path = Rc::<str>::from(path);
    let service = fn_service(move |request| answer(Rc::clone(&endpoint), Rc::clone(&path), request));
    config.register_service(resource, None, service, None);
}

/// Answers a request that the router matched. The answer has data only if the path, as sent, is the path of a page.
async fn answer(
    endpoint: Rc<Endpoint>,
    path: Rc<str>,
    request: ServiceRequest,
) -> Result<ServiceResponse, Error> {
    let path = path_in_scope(&path, &request);
    let outcome = handle(&endpoint, &request, path.as_deref().unwrap_or(request.path()));
    Ok(Answer::new(request, outcome).await)
}

/// The path without the prefix of the service's scope. `None` if the router decoded the path, so that it differs from
/// the path as sent.
fn path_in_scope(path: &str, request: &ServiceRequest) -> Option<String> {
    let routed = request.match_info();
    (routed.as_str() == request.path()).then(|| format!("{path}{}", routed.unprocessed()))
}
