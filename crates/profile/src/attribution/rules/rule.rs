//! One row of the table, and how it applies to a frame.

use super::function_words::{makes_room, makes_room_only};
use crate::attribution::function::FunctionInfo;

/// The functions that a row applies to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Functions {
    /// Every function that makes room, by the words of its name.
    ThatMakeRoom,
    /// Every function, if the inner frames are unambiguous. An owner still begins only in functions that make room.
    All,
    /// Only these functions.
    Named(&'static [&'static str]),
}

/// What a row requires of a frame's generic arguments.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Arguments {
    /// Anything.
    Any,
    /// No arguments: code for one type. `From<&str> for Arc<str>` has no argument, `From<&[T]> for Arc<[T]>` has one.
    None,
    /// An array as the first argument. Its element is part `0` of the array.
    Array,
    /// The element of the previous owner: a container made from another container.
    SameElement,
    /// Any arguments, if one of them contains this text.
    Mentioning(&'static str),
}

/// One row.
#[derive(Debug)]
pub(crate) struct Rule {
    /// Module of the frame. Modules below it count, too.
    pub(super) module: &'static str,
    pub(super) functions: Functions,
    pub(super) arguments: Arguments,
    /// Whether the row makes an owner if the inner frames showed nothing.
    pub(super) begins: bool,
    /// Whether the module is a container, rather than code that fills containers.
    pub(super) is_container: bool,
    /// Families that this row takes over.
    pub(super) over: &'static [&'static str],
    /// The row's own family, for the `over` of other rows.
    pub(super) family: &'static str,
    /// The owner, with holes for generic arguments of the frame (`0`) or of the previous owner (`^0`).
    pub(super) owner: &'static str,
}

/// What the frames so far have shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Inner {
    /// Nothing yet.
    Nothing,
    /// The layer of a container, by family, whose element is not known. Only a row over this family can continue.
    Lost(&'static str),
    /// An owner.
    Found(Owner),
}

/// The owner found so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Owner {
    pub(super) family: &'static str,
    /// The type with whole paths: `HashMap<alloc::string::String, app::Session>`.
    pub(crate) full_type: String,
    pub(super) arguments: Vec<String>,
}

impl Rule {
    pub(super) fn is_in_module(&self, frame: &FunctionInfo) -> bool {
        let below = frame.module.strip_prefix(self.module);
        below.is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
    }

    pub(super) fn names(&self, frame: &FunctionInfo) -> bool {
        self.is_in_module(frame)
            && match self.functions {
                Functions::All => true,
                Functions::ThatMakeRoom => makes_room(&frame.name),
                Functions::Named(names) => names.contains(&frame.name.as_str()),
            }
            && match self.arguments {
                Arguments::None => frame.arguments.is_empty(),
                Arguments::Array => frame.arguments.first().is_some_and(|first| first.starts_with('[')),
                Arguments::Mentioning(text) => frame.arguments.iter().any(|argument| argument.contains(text)),
                Arguments::Any | Arguments::SameElement => true,
            }
    }

    pub(super) fn fits(&self, frame: &FunctionInfo, inner: &Inner) -> bool {
        let stands = match inner {
            // A function that also runs its caller's code can enclose an allocation of that code.
            Inner::Nothing => {
                let is_named = matches!(self.functions, Functions::Named(_));
                self.begins && (is_named || makes_room_only(&frame.name))
            }
            // The element is a byte, even if the layer does not say so.
            Inner::Lost(family) => {
                self.family == *family
                    || self.over.contains(family)
                    || *family == "RawVec" && self.over.contains(&"Vec<u8>")
            }
            Inner::Found(inner) => {
                self.over.iter().any(|over| *over == inner.family || *over == inner.full_type)
                    || self.family == inner.family
                        && makes_room_only(&frame.name)
                        && !self.owner.contains('^')
            }
        };
        let has_same = match inner {
            Inner::Found(inner) => inner.arguments.first() == frame.arguments.first(),
            Inner::Nothing | Inner::Lost(_) => false,
        };
        stands && self.names(frame) && (self.arguments != Arguments::SameElement || has_same)
    }

    pub(super) fn fill(&self, frame: &FunctionInfo, inner: &Inner) -> Option<String> {
        let inner = match inner {
            Inner::Found(owner) => Some(owner),
            Inner::Nothing | Inner::Lost(_) => None,
        };
        fill(self.owner, &frame.arguments, inner)
    }
}

/// Fills the holes of an owner. `None` if an argument is missing, or is an allocator and not an element.
fn fill(owner: &str, arguments: &[String], inner: Option<&Owner>) -> Option<String> {
    let text = std::cell::RefCell::new(String::new());
    let mut complete = true;
    crate::type_name::walk(
        owner,
        |between| text.borrow_mut().push_str(between),
        |hole| {
            let mut text = text.borrow_mut();
            let arguments = match inner {
                _ if !text.ends_with('^') => arguments,
                Some(inner) => {
                    text.pop();
                    &inner.arguments
                }
                None => &[][..],
            };
            match element(arguments, hole) {
                Some(part) => text.push_str(part),
                None => complete = false,
            }
        },
    );
    complete.then(|| text.into_inner())
}

fn element<'a>(arguments: &'a [String], hole: &[usize]) -> Option<&'a str> {
    let (first, inner) = hole.split_first()?;
    let mut part = arguments.get(*first)?.as_str();
    for index in inner {
        part = match part.strip_prefix('[') {
            Some(array) => array.rsplit_once("; ")?.0,
            None => {
                let parts = crate::type_name::split_list(part.strip_prefix('(')?.strip_suffix(')')?);
                *parts.get(*index)?
            }
        };
    }
    (!is_allocator_argument(part)).then_some(part)
}

/// Whether an argument is an allocator. Non-generic inner layers have it in the position of the element.
pub(crate) fn is_allocator_argument(argument: &str) -> bool {
    let path = argument.trim_start_matches('&');
    // `alloc::alloc::Global`, and its stand-ins in hashbrown and allocator-api2.
    path == "std::alloc::System"
        || path.contains("alloc::") && path.ends_with("::Global") && !path.contains('<')
}
