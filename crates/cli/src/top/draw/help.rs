//! The help on top of the table: keys and signs.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Text;
use ratatui::widgets::{Block, Clear, Paragraph, Widget as _};

use crate::top::state::State;

const TEXT: &str = "\
b o g n   sort by bytes, objects, growth, name
r         reverse the order
/         type a filter: rows whose name contains it
Enter     keep the filter      Esc  clear it
↑ ↓ PgUp PgDn Home End         scroll
p         pause: no requests, nothing changes
?         this help            q    quit (Ctrl-C: status 130)

±         one standard error, in percent of the value to its left
growth    bytes since the first report of each instance
%/h       growth per hour, in percent of the first bytes
*         growth that is more than noise (5 % chance of a false
          alarm among all rows); without it, it may be noise
–         unknown, or no base to compare with
bars      from the lowest to the highest value; gaps: different
          number of instances";

pub(super) fn draw(state: &State, area: Rect, screen: &mut Buffer) {
    let text = Text::raw(TEXT);
    let size = |content: usize| u16::try_from(content).unwrap_or(u16::MAX).saturating_add(4);
    let (width, height) = (size(text.width()).min(area.width), (size(text.height()) - 2).min(area.height));
    let overlay =
        Rect { x: area.x + (area.width - width) / 2, y: area.y + (area.height - height) / 2, width, height };
    Clear.render(overlay, screen);
    let title = if state.is_paused() { " help (paused) " } else { " help " };
    let block = Block::bordered().title(title).title_bottom(" any key closes ");
    let inside = block.inner(overlay);
    block.render(overlay, screen);
    let inside = Rect { x: inside.x + inside.width.min(1), width: inside.width.saturating_sub(2), ..inside };
    Paragraph::new(text).render(inside, screen);
}
