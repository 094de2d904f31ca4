//! Merges profiles, and computes the growth from one profile to another.

use super::build::Builder;
use super::profile::{ProfileKind, SymbolizedProfile};

impl SymbolizedProfile {
    /// Merges profiles. The same stack in several processes becomes one if they run the same program.
    ///
    /// Order and grouping do not change the result. The sample rate is the coarsest of all rates. Total allocations
    /// are known only if every profile knows them. `None` without profiles, or if only some of them are profiles of
    /// growth.
    pub fn merge<'p>(profiles: impl IntoIterator<Item = &'p Self, IntoIter: Clone>) -> Option<Self> {
        let profiles = profiles.into_iter();
        let is_growth = |profile: &Self| profile.kind == ProfileKind::Growth;
        let rate = profiles.clone().map(Self::sample_rate).max()?;
        let growths = profiles.clone().filter(|profile| is_growth(profile)).count();
        let kind = match growths {
            0 if profiles.clone().all(|profile| profile.kind == ProfileKind::LiveAndAllocated) => {
                ProfileKind::LiveAndAllocated
            }
            0 => ProfileKind::Live,
            _ if profiles.clone().all(is_growth) => ProfileKind::Growth,
            _ => return None,
        };
        let mut builder = Builder::new(kind, rate);
        for profile in profiles {
            builder.add_profile(profile, |amount| amount);
        }
        Some(builder.finish())
    }

    /// Computes how much more each stack holds than in `base`. The number is negative if the stack holds less.
    pub fn growth_since(&self, base: &Self) -> Self {
        let rate = self.sample_rate.max(base.sample_rate);
        let mut builder = Builder::new(ProfileKind::Growth, rate);
        builder.add_profile(self, |amount| amount);
        builder.add_profile(base, |amount| -amount);
        builder.finish()
    }
}
