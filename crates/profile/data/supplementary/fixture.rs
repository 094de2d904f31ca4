#![no_std]

use core::hint::black_box;

#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    loop {}
}

pub struct Session {
    pub id: u64,
    pub name: [u8; 24],
}

pub struct Queue<T, const N: usize> {
    items: [Option<T>; N],
    length: usize,
}

impl<T, const N: usize> Queue<T, N> {
    #[inline(always)]
    pub fn push(&mut self, item: T) -> usize {
        let at = black_box(self.length);
        if let Some(place) = self.items.get_mut(at) {
            *place = Some(item);
        }
        self.length += 1;
        at
    }
}

#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn fill(queue: &mut Queue<Session, 4>, id: u64) -> usize {
    queue.push(Session { id, name: [0; 24] })
}
