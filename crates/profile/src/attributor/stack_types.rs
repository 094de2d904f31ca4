//! The type of each stack, for samples that are known one by one.

use rustc_hash::FxHashMap;

use super::TypeAttributor;
use crate::live::StackHash;
use crate::profile::HeapProfile;
use crate::symbols::LoadObject;
use crate::type_name::Qualify;

/// The type that each stack of a profile allocates.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StackTypes {
    types: Vec<String>,
    by_stack: FxHashMap<StackHash, u32>,
}

impl StackTypes {
    /// The names of the types, without duplicates, as tables show them. A stack whose type is not known has the name of
    /// its row.
    pub fn types(&self) -> &[String] {
        &self.types
    }

    /// The type of a stack, as an index into [`types`](Self::types). `None` if the profile does not have the stack.
    pub fn of_stack(&self, stack: StackHash) -> Option<u32> {
        self.by_stack.get(&stack).copied()
    }

    /// All stacks with their types, in no order.
    pub fn by_stack(&self) -> impl Iterator<Item = (StackHash, u32)> {
        self.by_stack.iter().map(|(stack, index)| (*stack, *index))
    }

    fn add(&mut self, stack: StackHash, name: String, indexes: &mut FxHashMap<String, u32>) {
        let next = u32::try_from(self.types.len()).unwrap_or(u32::MAX);
        let index = *indexes.entry(name).or_insert_with_key(|name| {
            self.types.push(name.clone());
            next
        });
        self.by_stack.insert(stack, index);
    }
}

impl TypeAttributor {
    /// Finds the type of each stack that holds memory. Reads unknown symbols through `files`.
    pub fn stack_types(&mut self, profile: &HeapProfile, files: &dyn LoadObject) -> StackTypes {
        let keys = self.prepare(profile, files);
        let mut found = StackTypes::default();
        let mut indexes = FxHashMap::default();
        for (stack, key) in profile.stacks().zip(keys).filter(|(stack, _)| stack.live.objects > 0) {
            let owner = self.owner_of(stack.addresses, key);
            let name = self.owners[owner as usize].name(Qualify::Last, &mut self.names);
            found.add(StackHash::of(stack.addresses.iter().copied()), name, &mut indexes);
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stacks_of_one_type_share_its_name_and_stacks_without_memory_have_none() {
        let dump = "heap_v2/524288\n  t*: 3: 192 [0: 0]\n@ 0x1010 0x1020\n  t*: 2: 128 [0: 0]\n\
                    @ 0x1010 0x1030\n  t*: 1: 64 [0: 0]\n@ 0x1010 0x1040\n  t*: 0: 0 [0: 0]\nMAPPED_LIBRARIES:\n";
        let profile = HeapProfile::parse(dump.as_bytes()).unwrap();
        let no_files = |_: &crate::mapping::Mapping| Err(std::io::ErrorKind::NotFound.into());
        let types = TypeAttributor::new().stack_types(&profile, &no_files);
        let of = |addresses: &[u64]| types.of_stack(StackHash::of(addresses.iter().copied()));
        assert_eq!(types.types().len(), 1, "{types:?}");
        assert_eq!(of(&[0x1010, 0x1020]), Some(0));
        assert_eq!(of(&[0x1010, 0x1030]), Some(0));
        assert_eq!(of(&[0x1010, 0x1040]), None);
    }
}
