//! From a map of likelihoods to rectangles: threshold, connected parts, the least rectangle around each, its score,
//! and the margin that training had taken off.

use super::geometry::{Point, Tilted, grown, hull, least_rectangle, measure, ordered};

/// Pixels above this are writing.
const THRESHOLD: f32 = 0.3;
/// The least mean within a rectangle.
const LEAST_SCORE: f32 = 0.5;
/// How far rectangles are grown, as a share of area by boundary.
const GROWTH: f32 = 1.6;
/// The least side of a rectangle before it is grown.
const LEAST_SIDE: f32 = 3.0;
/// Parts that are looked at.
const PART_LIMIT: usize = 1000;

/// Rectangles of writing in the map's pixels: corners from the top left in the order of the clock.
pub(super) fn regions(map: &[f32], width: usize) -> Vec<[Point; 4]> {
    let mut found = Vec::new();
    for mut points in parts(&mask(map, width), width).into_iter().take(PART_LIMIT) {
        let Tilted { corners, sides } = least_rectangle(&hull(&mut points));
        if sides[0].min(sides[1]) < LEAST_SIDE {
            continue;
        }
        let corners = ordered(corners);
        if score(map, width, corners) < LEAST_SCORE {
            continue;
        }
        let (area, length) = measure(&corners);
        let whole = corners.map(|corner| corner.map(f32::trunc));
        let Tilted { corners, sides } = least_rectangle(&grown(&whole, area * GROWTH / length));
        if sides[0].min(sides[1]) >= LEAST_SIDE + 2.0 {
            found.push(ordered(corners));
        }
    }
    found
}

/// Pixels that are writing, each spread to the right and down by one.
fn mask(map: &[f32], width: usize) -> Vec<bool> {
    let mut mask = vec![false; map.len()];
    for (y, row) in map.chunks_exact(width).enumerate() {
        for (x, value) in row.iter().enumerate() {
            if *value > THRESHOLD {
                let at = y * width + x;
                mask[at] = true;
                let right = x + 1 < width;
                if right {
                    mask[at + 1] = true;
                }
                if at + width < map.len() {
                    mask[at + width] = true;
                    if right {
                        mask[at + width + 1] = true;
                    }
                }
            }
        }
    }
    mask
}

/// Of each part that hangs together, also by corners: the ends of its rows, which are all that its hull needs.
fn parts(mask: &[bool], width: usize) -> Vec<Vec<Point>> {
    /// A run of pixels in one row.
    struct Run {
        row: usize,
        first: usize,
        last: usize,
    }
    let mut runs: Vec<Run> = Vec::new();
    let mut leader: Vec<usize> = Vec::new();
    fn find(leader: &mut [usize], mut run: usize) -> usize {
        while leader[run] != run {
            leader[run] = leader[leader[run]];
            run = leader[run];
        }
        run
    }
    let mut above = 0..0;
    for (row, pixels) in mask.chunks_exact(width).enumerate() {
        let begin = runs.len();
        let mut x = 0;
        let mut candidate = above.start;
        while x < width {
            if !pixels[x] {
                x += 1;
                continue;
            }
            let first = x;
            while x < width && pixels[x] {
                x += 1;
            }
            let (last, run) = (x - 1, runs.len());
            runs.push(Run { row, first, last });
            leader.push(run);
            // Runs above that touch it; the last of them may touch the next one too.
            while candidate < above.end && runs[candidate].last + 1 < first {
                candidate += 1;
            }
            let mut touching = candidate;
            while touching < above.end && runs[touching].first <= last + 1 {
                let (a, b) = (find(&mut leader, touching), find(&mut leader, run));
                leader[a.max(b)] = a.min(b);
                touching += 1;
            }
        }
        above = begin..runs.len();
    }
    let mut parts: Vec<Vec<Point>> = Vec::new();
    let mut number = vec![usize::MAX; runs.len()];
    for (index, run) in runs.iter().enumerate() {
        let root = find(&mut leader, index);
        if number[root] == usize::MAX {
            number[root] = parts.len();
            parts.push(Vec::new());
        }
        let part = &mut parts[number[root]];
        part.push([run.first as f32, run.row as f32]);
        if run.last != run.first {
            part.push([run.last as f32, run.row as f32]);
        }
    }
    parts
}

/// The mean of the map within a rectangle, its boundary included.
fn score(map: &[f32], width: usize, corners: [Point; 4]) -> f32 {
    let height = map.len() / width;
    let whole = corners
        .map(|[x, y]| [x.trunc().clamp(0.0, width as f32 - 1.0), y.trunc().clamp(0.0, height as f32 - 1.0)]);
    let top = whole.iter().map(|corner| corner[1]).fold(f32::MAX, f32::min) as usize;
    let bottom = whole.iter().map(|corner| corner[1]).fold(0.0, f32::max) as usize;
    let (mut sum, mut count) = (0.0f64, 0usize);
    for y in top..=bottom {
        let line = y as f32;
        let (mut left, mut right) = (f32::MAX, f32::MIN);
        for (i, [x, from]) in whole.iter().enumerate() {
            let [to_x, to] = whole[(i + 1) % 4];
            if line < from.min(to) || line > from.max(to) {
                continue;
            }
            // A level side covers all of its pixels.
            let crossings =
                if *from == to { [*x, to_x] } else { [x + (to_x - x) * (line - from) / (to - from); 2] };
            for crossing in crossings {
                left = left.min(crossing);
                right = right.max(crossing);
            }
        }
        if left <= right {
            let row = &map[y * width..][..width];
            let row = &row[left.round() as usize..=(right.round() as usize).min(width - 1)];
            sum += row.iter().map(|value| f64::from(*value)).sum::<f64>();
            count += row.len();
        }
    }
    if count == 0 { 0.0 } else { (sum / count as f64) as f32 }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A map of 60 x 40 with one where `is` says so.
    fn map(is: impl Fn(usize, usize) -> bool) -> Vec<f32> {
        (0..60 * 40).map(|at| if is(at % 60, at / 60) { 1.0 } else { 0.0 }).collect()
    }

    #[test]
    fn two_lines_are_two_rectangles() {
        let found =
            regions(&map(|x, y| (5..50).contains(&x) && ((6..12).contains(&y) || (24..30).contains(&y))), 60);
        assert_eq!(found.len(), 2);
        for ([a, b, c, d], top) in found.into_iter().zip([6.0, 24.0]) {
            // 46 x 7 with the spread; grown by 46 * 7 * 1.6 / 106 or a little less, as distances are between middles.
            assert!(a[0] < 5.0 && a[1] < top && b[0] > 50.0 && b[1] < top, "{a:?} {b:?}");
            assert!(c[0] > 50.0 && c[1] > top + 6.0 && d[0] < 5.0 && d[1] > top + 6.0, "{c:?} {d:?}");
        }
    }

    #[test]
    fn parts_hang_together_by_corners_and_around_holes() {
        // A ring, and beside it a staircase of single pixels.
        let ring = |x: usize, y: usize| {
            (5..20).contains(&x) && (5..20).contains(&y) && !((8..17).contains(&x) && (8..17).contains(&y))
        };
        let stairs = |x: usize, y: usize| x >= 30 && x - 30 == y && y < 20;
        let mask: Vec<bool> =
            map(|x, y| ring(x, y) || stairs(x, y)).iter().map(|value| *value > 0.5).collect();
        assert_eq!(parts(&mask, 60).len(), 2);
        // A cup: two runs that only meet further down.
        let cup = map(|x, y| (10..15).contains(&y) && (x == 3 || x == 9) || y == 15 && (3..10).contains(&x));
        assert_eq!(parts(&cup.iter().map(|value| *value > 0.5).collect::<Vec<_>>(), 60).len(), 1);
    }

    #[test]
    fn specks_and_faint_parts_are_left_out() {
        assert!(regions(&map(|x, y| x == 5 && y == 5), 60).is_empty());
        let faint: Vec<f32> =
            map(|x, y| (5..50).contains(&x) && (6..14).contains(&y)).iter().map(|v| v * 0.4).collect();
        assert!(regions(&faint, 60).is_empty());
        assert!(regions(&vec![0.0; 60 * 40], 60).is_empty());
    }

    #[test]
    fn a_tilted_line_has_a_tilted_rectangle() {
        let found = regions(&map(|x, y| (5..50).contains(&x) && (y * 4).abs_diff(x + 40) < 12), 60);
        assert_eq!(found.len(), 1);
        let [a, b, ..] = found[0];
        let slope = (b[1] - a[1]) / (b[0] - a[0]);
        assert!((slope - 0.25).abs() < 0.05, "{slope}");
    }
}
