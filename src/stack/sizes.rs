//! The sizes of save areas, in classes: which one holds how many bytes, and nothing of where they are.

/// Sizes are multiples of it: as much as is copied at once.
pub const STEP: usize = 32;
/// Classes of up to this many steps differ by one step, larger ones by an eighth of a power of two.
const FINE: usize = 64;

/// The smallest class whose areas hold `live` bytes, which are not none.
#[inline(always)]
pub fn class_of(live: usize) -> u8 {
    let steps = live.div_ceil(STEP);
    if steps <= FINE {
        return steps as u8;
    }
    // 1/8 steps: the three bits below the highest one, rounded up.
    let shift = (steps - 1).ilog2() - 3;
    let eighths = ((steps - 1) >> shift) + 1;
    (FINE + (shift as usize - 3) * 8 + eighths - 8) as u8
}

/// The size of a class's areas.
pub fn size_of_class(class: u8) -> usize {
    let class = class as usize;
    let steps = match class.checked_sub(FINE + 1) {
        None => class,
        Some(above) => (above % 8 + 9) << (above / 8 + 3),
    };
    steps * STEP
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stack::MAX_SIZE;

    #[test]
    fn each_length_has_the_smallest_area_that_holds_it() {
        let mut length = STEP;
        while length <= MAX_SIZE {
            let class = class_of(length);
            let size = size_of_class(class);
            assert!(size >= length && size <= length + length / 8, "{length} in {size}");
            assert!(class == 1 || size_of_class(class - 1) < length, "{length} in {size}");
            assert!(size.is_multiple_of(STEP));
            length += STEP * (1 + length / 32_000);
        }
    }
}
