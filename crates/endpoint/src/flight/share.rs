//! Fair shares of a bounded number of permits: which login must give one back when all are taken.

use std::sync::Arc;

/// The login that must give a permit to `newcomer` when `holders` hold all permits.
///
/// It is the login with the most permits, if it has at least two more than the newcomer. Each login thus gets its
/// share, no permit goes back and forth, and a single login can have all permits.
pub(super) fn gives_way<'a>(holders: impl Iterator<Item = &'a Arc<str>>, newcomer: &str) -> Option<Arc<str>> {
    // A vector, because there are only a few logins.
    let mut counts: Vec<(&Arc<str>, usize)> = Vec::new();
    for holder in holders {
        match counts.iter_mut().find(|(login, _)| *login == holder) {
            Some((_, count)) => *count += 1,
            None => counts.push((holder, 1)),
        }
    }
    let own = counts.iter().find(|(login, _)| ***login == *newcomer).map_or(0, |(_, count)| *count);
    let (login, most) = counts.into_iter().max_by_key(|(_, count)| *count)?;
    (most >= own + 2).then(|| Arc::clone(login))
}

/// Remembers when each login last had its turn.
#[derive(Debug, Default)]
pub(super) struct Turns {
    latest: u64,
    logins: Vec<(Arc<str>, u64)>,
}

impl Turns {
    /// The number of the login's last turn. A login without a turn comes first.
    pub(super) fn last(&self, login: &str) -> u64 {
        self.logins.iter().find(|(other, _)| **other == *login).map_or(0, |(_, turn)| *turn)
    }

    pub(super) fn take(&mut self, login: &Arc<str>) {
        self.latest += 1;
        match self.logins.iter_mut().find(|(other, _)| other == login) {
            Some((_, turn)) => *turn = self.latest,
            None => self.logins.push((Arc::clone(login), self.latest)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(holders: &str, newcomer: &str) -> Option<String> {
        let holders: Vec<Arc<str>> = holders.chars().map(|login| login.to_string().into()).collect();
        gives_way(holders.iter(), newcomer).map(|login| login.to_string())
    }

    #[test]
    fn s45_the_login_with_the_most_gives_way_to_a_login_with_at_least_two_fewer() {
        assert_eq!(asked("aaaa", "b").as_deref(), Some("a"));
        assert_eq!(asked("aaab", "b").as_deref(), Some("a"));
        assert_eq!(asked("aabb", "b"), None);
        assert_eq!(asked("aab", "b"), None, "the permit would have to be given back");
        assert_eq!(asked("aabbb", "c").as_deref(), Some("b"));
        assert_eq!(asked("aaaa", "a"), None);
        assert_eq!(asked("a", "b"), None, "a single permit stays with the first login");
        assert_eq!(asked("", "a"), None);
    }

    #[test]
    fn s45_permits_end_up_even_in_any_order() {
        let mut holders: Vec<Arc<str>> = vec!["a".into(); 16];
        for login in ["b", "c", "d"].into_iter().cycle().take(300) {
            if let Some(loser) = gives_way(holders.iter(), login) {
                let index = holders.iter().rposition(|holder| *holder == loser).unwrap();
                holders[index] = login.into();
            }
        }
        for login in ["a", "b", "c", "d"] {
            assert_eq!(holders.iter().filter(|holder| ***holder == *login).count(), 4, "{login}");
        }
    }

    #[test]
    fn s45_turns_go_round() {
        let mut turns = Turns::default();
        let logins = ["a", "b", "c"].map(Arc::from);
        assert_eq!(turns.last("a"), 0);
        turns.take(&logins[0]);
        turns.take(&logins[1]);
        turns.take(&logins[0]);
        let mut order = ["a", "b", "c"];
        order.sort_by_key(|login| turns.last(login));
        assert_eq!(order, ["c", "b", "a"]);
    }
}
