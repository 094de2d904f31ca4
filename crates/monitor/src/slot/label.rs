//! Names of what is polled, as numbers, so that a slot can hold them in one word.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use memory_debug_core::known_method;

/// The most routes that have a label. Patterns come from the program, so there are far fewer.
const MAX_ROUTES: usize = 4_096;

/// The label of routes beyond [`MAX_ROUTES`].
const OTHER: u64 = 1;

/// In the labels of tasks. The other bits are the id of the task.
const TASK: u64 = 1 << 63;

/// A route or a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Label(pub(super) u64);

/// What a label stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Named {
    Route(Arc<str>),
    /// The id of a task.
    Task(u64),
}

#[derive(Default)]
struct Routes {
    numbers: HashMap<Arc<str>, u64>,
    names: Vec<Arc<str>>,
}

static ROUTES: RwLock<Option<Routes>> = RwLock::new(None);

thread_local! {
    /// The labels that this thread has used, by pattern and method.
    static USED: RefCell<HashMap<Box<str>, Methods>> = RefCell::default();
}

/// The labels of a pattern, by method.
type Methods = Vec<(&'static str, Label)>;

impl Label {
    /// The label of a route: `GET /orders/{id}`.
    ///
    /// `pattern` is the pattern that the router matched, never the path of the request, which may hold secrets. Without
    /// a pattern the label is the method alone. After the first request for a route, a thread takes no lock and
    /// allocates nothing here.
    #[must_use]
    pub fn route(method: &str, pattern: Option<&str>) -> Self {
        let method = known_method(method);
        let pattern = pattern.unwrap_or_default();
        let used = USED.try_with(|used| {
            let mut used = used.borrow_mut();
            let labels = used.get(pattern).map_or(&[][..], Vec::as_slice);
            if let Some((_, label)) = labels.iter().find(|(name, _)| *name == method) {
                return *label;
            }
            let label = Self::new_route(method, pattern);
            if label.0 != OTHER {
                used.entry(pattern.into()).or_default().push((method, label));
            }
            label
        });
        used.unwrap_or(Self(OTHER))
    }

    fn new_route(method: &str, pattern: &str) -> Self {
        let name = if pattern.is_empty() { method.to_owned() } else { format!("{method} {pattern}") };
        let mut routes = ROUTES.write().unwrap_or_else(PoisonError::into_inner);
        Self(routes.get_or_insert_default().number(name))
    }

    /// The label of the task with this id.
    pub(crate) const fn task(id: u64) -> Self {
        Self(TASK | id)
    }

    pub(crate) fn named(self) -> Named {
        if self.0 & TASK != 0 {
            return Named::Task(self.0 & !TASK);
        }
        let routes = ROUTES.read().unwrap_or_else(PoisonError::into_inner);
        let index = self.0.checked_sub(OTHER + 1).and_then(|index| usize::try_from(index).ok());
        let name = index.and_then(|index| Some(Arc::clone(routes.as_ref()?.names.get(index)?)));
        Named::Route(name.unwrap_or_else(|| "another route".into()))
    }
}

impl Routes {
    fn number(&mut self, name: String) -> u64 {
        if let Some(&number) = self.numbers.get(name.as_str()) {
            return number;
        }
        if self.names.len() >= MAX_ROUTES {
            return OTHER;
        }
        let name: Arc<str> = name.into();
        self.names.push(Arc::clone(&name));
        let number = self.names.len() as u64 + OTHER;
        self.numbers.insert(name, number);
        number
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(method: &str, pattern: &str) -> Named {
        Label::route(method, Some(pattern)).named()
    }

    #[test]
    fn a_route_has_one_label_on_all_threads() {
        let label = Label::route("GET", Some("/orders/{id}"));
        let elsewhere = std::thread::spawn(|| Label::route("GET", Some("/orders/{id}"))).join().unwrap();
        assert_eq!(label, elsewhere);
        assert_eq!(label, Label::route("GET", Some("/orders/{id}")));
        assert_eq!(label.named(), Named::Route("GET /orders/{id}".into()));
        assert_ne!(label, Label::route("PUT", Some("/orders/{id}")));
    }

    #[test]
    fn a_label_names_a_task_or_a_route_but_not_both() {
        assert_eq!(Label::task(7).named(), Named::Task(7));
        assert_eq!(Label(0).named(), Named::Route("another route".into()));
        assert_eq!(Label(u64::MAX >> 1).named(), Named::Route("another route".into()));
    }

    #[test]
    fn s61_a_word_of_the_client_never_becomes_a_label() {
        for method in ["", "get", "hunter2", "GET /secret", "\u{202e}"] {
            assert_eq!(route(method, "/a"), Named::Route("(other method) /a".into()), "{method:?}");
        }
        assert_eq!(Label::route("POST", None).named(), Named::Route("POST".into()));
    }

    #[test]
    fn routes_beyond_the_bound_share_a_label() {
        let mut routes = Routes::default();
        let numbers: Vec<_> = (0..=MAX_ROUTES).map(|number| routes.number(number.to_string())).collect();
        assert_eq!(numbers[MAX_ROUTES], OTHER);
        assert_eq!(routes.names.len(), MAX_ROUTES);
        assert_eq!(routes.number("7".into()), numbers[7]);
    }
}
