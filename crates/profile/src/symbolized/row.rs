//! The part of a profile that belongs to one row of the table of types.

use super::build::Builder;
use super::profile::{Owner, SymbolizedProfile};
use crate::selection::RowId;

impl SymbolizedProfile {
    /// The stacks of one row of the table of types, as a profile of their own. It is empty if no row has this id.
    #[must_use]
    pub fn of_row(&self, row: RowId) -> Self {
        let ids: Vec<_> = self.owners.iter().map(Owner::row_id).collect();
        let stacks = self.stacks.iter().filter(|stack| ids[stack.owner as usize] == row).cloned();
        let part = Self { stacks: stacks.collect(), ..self.clone() };
        let mut builder = Builder::new(self.kind, self.sample_rate);
        builder.large_below = self.large_below;
        builder.add_profile(&part, |amount| amount);
        builder.finish()
    }
}

impl Owner {
    fn row_id(&self) -> RowId {
        RowId::of(&self.name, &self.full_type, self.is_attributed)
    }
}
