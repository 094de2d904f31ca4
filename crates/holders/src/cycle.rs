//! Objects that hold each other: strongly connected components.

/// For each object the number of its component, or `None` if it is in no cycle. `edges` are sorted pairs of holder and
/// held.
pub(crate) fn components(objects: usize, edges: &[(u32, u32)]) -> Vec<Option<u32>> {
    let mut search = Search {
        edges,
        order: vec![0; objects],
        low: vec![0; objects],
        stack: Vec::new(),
        on_stack: vec![false; objects],
        next: 1,
        component: vec![None; objects],
        components: 0,
    };
    for (holder, _) in edges {
        search.visit(*holder);
    }
    search.component
}

/// The objects that an object holds.
pub(crate) fn held_by(edges: &[(u32, u32)], holder: u32) -> &[(u32, u32)] {
    let start = edges.partition_point(|edge| edge.0 < holder);
    let end = edges.partition_point(|edge| edge.0 <= holder);
    edges.get(start..end).unwrap_or_default()
}

/// Tarjan's search with a stack of its own, because a list can be longer than the stack of a thread.
struct Search<'a> {
    edges: &'a [(u32, u32)],
    /// When each object was seen first, from 1. 0 is not yet.
    order: Vec<u32>,
    /// The first object that each one leads back to.
    low: Vec<u32>,
    stack: Vec<u32>,
    on_stack: Vec<bool>,
    next: u32,
    component: Vec<Option<u32>>,
    components: u32,
}

impl Search<'_> {
    fn visit(&mut self, start: u32) {
        if self.order.get(start as usize) != Some(&0) {
            return;
        }
        // Each object with the number of its pointers that are done.
        let mut path = vec![(start, 0_usize)];
        self.enter(start);
        while let Some((object, done)) = path.last_mut() {
            let object = *object;
            match held_by(self.edges, object).get(*done).map(|edge| edge.1) {
                Some(held) => {
                    *done += 1;
                    match self.order.get(held as usize) {
                        Some(0) => {
                            self.enter(held);
                            path.push((held, 0));
                        }
                        Some(order) if self.on_stack.get(held as usize) == Some(&true) => {
                            let order = *order;
                            self.lower(object, order);
                        }
                        _ => {}
                    }
                }
                None => {
                    path.pop();
                    self.leave(object);
                    if let (Some((parent, _)), Some(low)) = (path.last(), self.low.get(object as usize)) {
                        let (parent, low) = (*parent, *low);
                        self.lower(parent, low);
                    }
                }
            }
        }
    }

    fn enter(&mut self, object: u32) {
        for numbers in [&mut self.order, &mut self.low] {
            if let Some(number) = numbers.get_mut(object as usize) {
                *number = self.next;
            }
        }
        self.next += 1;
        self.stack.push(object);
        self.set_on_stack(object, true);
    }

    /// Closes the component if the object is its first one.
    fn leave(&mut self, object: u32) {
        if self.low.get(object as usize) != self.order.get(object as usize) {
            return;
        }
        let holds_itself = held_by(self.edges, object).iter().any(|edge| edge.1 == object);
        let is_cycle = holds_itself || self.stack.last() != Some(&object);
        while let Some(member) = self.stack.pop() {
            self.set_on_stack(member, false);
            if is_cycle && let Some(component) = self.component.get_mut(member as usize) {
                *component = Some(self.components);
            }
            if member == object {
                break;
            }
        }
        self.components += u32::from(is_cycle);
    }

    fn lower(&mut self, object: u32, low: u32) {
        if let Some(own) = self.low.get_mut(object as usize) {
            *own = low.min(*own);
        }
    }

    fn set_on_stack(&mut self, object: u32, value: bool) {
        if let Some(on_stack) = self.on_stack.get_mut(object as usize) {
            *on_stack = value;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_which_objects_hold_each_other() {
        // 0 → 1 ⇄ 2 → 3, 4 → 4, 5 → 6 → 7 → 5, 7 → 4
        let edges = [(0, 1), (1, 2), (2, 1), (2, 3), (4, 4), (5, 6), (6, 7), (7, 4), (7, 5)];
        let found = components(9, &edges);
        let in_cycle: Vec<bool> = found.iter().map(Option::is_some).collect();
        assert_eq!(in_cycle, [false, true, true, false, true, true, true, true, false]);
        assert_eq!(found[1], found[2]);
        assert!(found[5] == found[6] && found[6] == found[7]);
        assert!(found[1] != found[5] && found[4] != found[5]);
    }

    #[test]
    fn a_long_list_needs_no_deep_stack() {
        let mut edges: Vec<(u32, u32)> = (0..300_000).map(|at| (at, at + 1)).collect();
        assert!(components(300_001, &edges).iter().all(Option::is_none));
        edges.push((300_000, 0));
        assert!(components(300_001, &edges).iter().all(|component| *component == Some(0)));
    }

    proptest::proptest! {
        #[test]
        fn two_objects_share_a_component_if_each_reaches_the_other(
            pairs in proptest::collection::btree_set((0..12_u32, 0..12_u32), 0..30)
        ) {
            let edges: Vec<(u32, u32)> = pairs.into_iter().collect();
            let found = components(12, &edges);
            let mut reaches = [[false; 12]; 12];
            edges.iter().for_each(|(from, to)| reaches[*from as usize][*to as usize] = true);
            for middle in 0..12 {
                for from in 0..12 {
                    for to in 0..12 {
                        reaches[from][to] |= reaches[from][middle] && reaches[middle][to];
                    }
                }
            }
            for one in 0..12 {
                proptest::prop_assert_eq!(found[one].is_some(), reaches[one][one]);
                for other in (0..12).filter(|other| *other != one) {
                    let both = reaches[one][other] && reaches[other][one];
                    proptest::prop_assert_eq!(found[one].is_some() && found[one] == found[other], both);
                }
            }
        }
    }
}
