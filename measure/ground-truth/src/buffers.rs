//! Buffers that libraries allocate for themselves.

use arrow_buffer::{Buffer, MutableBuffer};

use crate::ledger::{keep, own};

pub(crate) fn populate() {
    own("arrow buffers", || {
        for n in 1..100 {
            let mut buffer = MutableBuffer::new(100);
            buffer.extend_from_slice(&[n; 300]);
            keep(buffer);
            keep(Buffer::from_slice_ref([n; 200]));
        }
    });
}
