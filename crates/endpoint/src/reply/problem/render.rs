//! The bodies of problems.

use memory_debug_core::render;
use serde::Serialize;

use super::Problem;
use crate::reply::format::Format;

/// A problem as RFC 9457 defines it.
#[derive(Serialize)]
struct ProblemJson<'a> {
    r#type: String,
    title: &'a str,
    status: u16,
    detail: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    parameter: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    allowed: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_s: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    needed_bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    available_bytes: Option<u64>,
}

impl Problem {
    /// The body of the reply.
    pub(crate) fn render(&self, format: Format) -> String {
        let (status, slug, title) = self.class();
        let detail = &*self.detail();
        if format != Format::Json {
            return format!("{status} {title}: {detail}\n");
        }
        let shortage = match self {
            Self::InsufficientHeadroom(shortage) => Some(shortage),
            _ => None,
        };
        let body = ProblemJson {
            r#type: format!("urn:memory-debug:problem:{slug}"),
            title,
            status,
            detail,
            parameter: match self {
                Self::InvalidParameter { name, .. } => Some(name),
                _ => None,
            },
            allowed: match self {
                Self::MethodNotAllowed { allowed } => allowed.split(", ").collect(),
                Self::NotAcceptable { offered } => offered.iter().map(|format| format.media_type()).collect(),
                _ => Vec::new(),
            },
            retry_after_s: self.retry_after_s(),
            needed_bytes: shortage.map(|shortage| shortage.needed_bytes),
            available_bytes: shortage.map(|shortage| shortage.available_bytes),
        };
        render::to_json_line(&body).expect("strings and numbers always serialise")
    }
}
