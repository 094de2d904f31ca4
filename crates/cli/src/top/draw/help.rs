//! What the keys and the signs mean, over the table.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Text;
use ratatui::widgets::{Block, Clear, Paragraph, Widget as _};

use crate::top::state::State;

const TEXT: &str = "\
b o g n   sort by bytes, objects, growth, name
r         reverse the order
/         type a filter: rows whose name has that in it
Enter     keep the filter      Esc  clear it
↑ ↓ PgUp PgDn Home End         scroll
p         pause: nobody is asked, nothing moves
?         this help            q    quit (Ctrl-C: status 130)

±         one standard error, as a share of what is left of it
growth    bytes since the first report of each instance
%/h       growth an hour, as a share of the bytes at first
*         growth that is more than noise, 5 % for all rows
          together; what has none may well be noise
–         not known, or nothing to relate it to
courses   from the lowest to the highest; gaps: other instances";

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
