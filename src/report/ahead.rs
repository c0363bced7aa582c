//! Files that are read back piece by piece: while what was made of one piece is taken in, in order, the next is
//! read and worked on.

use crate::error::Result;

/// Does `work` on each piece, and gives what comes of it to `take` in the order of the pieces. Two are in memory at
/// most.
///
/// # Errors
/// The first of reading a piece, of `work` and of `take`.
pub(super) fn each<P, W: Send>(
    mut pieces: impl Iterator<Item = Result<P>> + Send,
    work: impl Fn(P) -> Result<W> + Sync,
    mut take: impl FnMut(W) -> Result<()> + Send,
) -> Result<()> {
    let mut next = || pieces.next().map(|piece| piece.and_then(&work)).transpose();
    let mut worked = next()?;
    while let Some(before) = worked {
        let (taken, ahead) = rayon::join(|| take(before), &mut next);
        taken?;
        worked = ahead?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;

    fn failed(at: u32) -> Error {
        Error::usage(at.to_string(), "stop")
    }

    /// What was taken of ten pieces, and what was said, where reading, work or taking fails at some piece.
    fn taken(reading: u32, working: u32, taking: u32) -> (Vec<u32>, Option<String>) {
        let unless = |bad: u32, n: u32| if n == bad { Err(failed(n)) } else { Ok(n) };
        let mut taken = Vec::new();
        let pieces = (0..10).map(|n| unless(reading, n));
        let done = each(
            pieces,
            |n| unless(working, n),
            |n| {
                taken.push(n);
                unless(taking, n).map(drop)
            },
        );
        (taken, done.err().map(|error| error.to_string()))
    }

    #[test]
    fn pieces_are_taken_in_order_up_to_the_first_that_fails() {
        const NEVER: u32 = 99;
        assert_eq!(taken(NEVER, NEVER, NEVER), ((0..10).collect(), None));
        for (reading, working) in [(3, NEVER), (NEVER, 3), (3, 5), (5, 3)] {
            assert_eq!(taken(reading, working, NEVER), (vec![0, 1, 2], Some("3".into())));
        }
        assert_eq!(taken(4, NEVER, 3), (vec![0, 1, 2, 3], Some("3".into())));
        assert_eq!(taken(0, NEVER, NEVER), (vec![], Some("0".into())));
    }
}
