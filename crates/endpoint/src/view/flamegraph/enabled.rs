//! Drawing flame graphs.

use memory_debug_core::{CollapsedStacks, Count, FlamegraphOptions};

use crate::reply::{Problem, Reply};
use crate::view::bounded::Bounded;
use crate::view::fit::written;
use crate::view::page_request::{Material, RenderRequest};
use crate::view::profile::coarser;
use crate::view::samples::earlier_profile;
use crate::view::tree_source::TreeSource;

pub(super) fn draw(
    request: &RenderRequest,
    source: &TreeSource,
    count: Count,
    material: Material<'_>,
) -> Result<Reply, Problem> {
    let profile = source.part(material.profile()?);
    if profile.total().bytes <= 0 {
        return Err(Problem::NoProfile("the profile has no stacks to draw".to_owned()));
    }
    let instance = &material.report()?.instance;
    let mut options = FlamegraphOptions::default();
    options.title = format!("live memory of {}", instance.service.as_deref().unwrap_or("this process"));
    options.leaf = source.leaf;
    options.count = count;
    let Some(base) = source.base else {
        return picture(request, &profile.collapse(&options.collapsed()), &options, material);
    };
    let (base, earlier) = earlier_profile(base, material)?;
    let earlier = source.part(earlier);
    options.subtitle = format!("red has grown since {}, blue has shrunk", base.info().taken_at);
    picture(request, &profile.collapse_since(&earlier, &options.collapsed()), &options, material)
}

/// Draws all stacks that are large enough to see, or fewer if the picture is too long. The stacks as text are never
/// longer than the picture may be.
fn picture(
    request: &RenderRequest,
    stacks: &CollapsedStacks<'_>,
    options: &FlamegraphOptions,
    material: Material<'_>,
) -> Result<Reply, Problem> {
    let max_bytes = material.max_bytes;
    request.until_it_fits(
        stacks.least_visible(),
        |least| coarser(least, stacks.total()),
        max_bytes,
        |body, least| {
            let mut lines = Bounded::new(max_bytes);
            match stacks.write(least, &mut lines) {
                Ok(summed) => written(options.draw(lines.as_bytes(), summed, body)),
                Err(_full) => {
                    body.refuse();
                    Ok(())
                }
            }
        },
    )
}
