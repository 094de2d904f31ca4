//! What each key does.

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::table::Order;

/// An action that a key triggers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Sort(Order),
    Reverse,
    Scroll(Scroll),
    Pause,
    Help,
    CloseHelp,
    /// Start typing a filter.
    EditFilter,
    Type(char),
    Erase,
    /// Stop typing and keep the filter.
    KeepFilter,
    ClearFilter,
    Quit,
    Interrupt,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scroll {
    Up,
    Down,
    PageUp,
    PageDown,
    Home,
    End,
}

/// What keys act on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Mode {
    /// The table.
    #[default]
    Table,
    /// The filter that is being typed.
    Filter,
    /// The help on top of the table.
    Help,
}

/// The action of `key`, if it has one.
pub(super) fn action(key: KeyEvent, mode: Mode) -> Option<Action> {
    if key.kind == KeyEventKind::Release {
        return None;
    }
    let is_control = key.modifiers.contains(KeyModifiers::CONTROL);
    if is_control && key.code == KeyCode::Char('c') {
        return Some(Action::Interrupt);
    }
    if mode == Mode::Help {
        return Some(if key.code == KeyCode::Char('q') { Action::Quit } else { Action::CloseHelp });
    }
    let scroll = match key.code {
        KeyCode::Up => Some(Scroll::Up),
        KeyCode::Down => Some(Scroll::Down),
        KeyCode::PageUp => Some(Scroll::PageUp),
        KeyCode::PageDown => Some(Scroll::PageDown),
        KeyCode::Home => Some(Scroll::Home),
        KeyCode::End => Some(Scroll::End),
        _ => None,
    };
    if let Some(scroll) = scroll {
        return Some(Action::Scroll(scroll));
    }
    match (mode, key.code) {
        (_, KeyCode::Esc) => Some(Action::ClearFilter),
        (Mode::Filter, KeyCode::Enter) => Some(Action::KeepFilter),
        (Mode::Filter, KeyCode::Backspace) => Some(Action::Erase),
        _ if is_control || key.modifiers.contains(KeyModifiers::ALT) => None,
        (Mode::Filter, KeyCode::Char(c)) => (!c.is_control()).then_some(Action::Type(c)),
        (_, KeyCode::Char(c)) => command(c),
        _ => None,
    }
}

fn command(c: char) -> Option<Action> {
    Some(match c {
        'b' => Action::Sort(Order::Bytes),
        'o' => Action::Sort(Order::Objects),
        'g' => Action::Sort(Order::Growth),
        'n' => Action::Sort(Order::Name),
        'r' => Action::Reverse,
        '/' => Action::EditFilter,
        'p' => Action::Pause,
        '?' => Action::Help,
        'q' => Action::Quit,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(code: KeyCode, modifiers: KeyModifiers, mode: Mode) -> Option<Action> {
        action(KeyEvent::new(code, modifiers), mode)
    }

    #[test]
    fn letter_is_a_command_or_part_of_the_filter() {
        let letter = |mode| of(KeyCode::Char('q'), KeyModifiers::NONE, mode);
        assert_eq!(letter(Mode::Table), Some(Action::Quit));
        assert_eq!(letter(Mode::Filter), Some(Action::Type('q')));
        assert_eq!(letter(Mode::Help), Some(Action::Quit));
        assert_eq!(
            of(KeyCode::Char('g'), KeyModifiers::NONE, Mode::Table),
            Some(Action::Sort(Order::Growth))
        );
        assert_eq!(of(KeyCode::Char('g'), KeyModifiers::NONE, Mode::Help), Some(Action::CloseHelp));
        assert_eq!(of(KeyCode::Char('g'), KeyModifiers::CONTROL, Mode::Table), None);
        assert_eq!(of(KeyCode::Char('\u{1b}'), KeyModifiers::NONE, Mode::Filter), None);
    }

    #[test]
    fn interrupt_and_scrolling_work_while_typing_a_filter() {
        for mode in [Mode::Table, Mode::Filter, Mode::Help] {
            assert_eq!(of(KeyCode::Char('c'), KeyModifiers::CONTROL, mode), Some(Action::Interrupt));
        }
        assert_eq!(of(KeyCode::End, KeyModifiers::NONE, Mode::Filter), Some(Action::Scroll(Scroll::End)));
        assert_eq!(of(KeyCode::Esc, KeyModifiers::NONE, Mode::Filter), Some(Action::ClearFilter));
    }

    #[test]
    fn releasing_a_key_does_nothing() {
        let key = KeyEvent::new_with_kind(KeyCode::Char('q'), KeyModifiers::NONE, KeyEventKind::Release);
        assert_eq!(action(key, Mode::Table), None);
    }
}
