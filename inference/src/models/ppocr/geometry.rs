//! Rectangles around points.

/// A place: across, down.
pub(super) type Point = [f32; 2];

/// A rectangle that may be tilted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Tilted {
    pub(super) corners: [Point; 4],
    /// The lengths of its sides.
    pub(super) sides: [f32; 2],
}

/// The corners of the smallest convex polygon around points, in the order of the clock or against it.
pub(super) fn hull(points: &mut Vec<Point>) -> Vec<Point> {
    points.sort_by(|a, b| a[0].total_cmp(&b[0]).then(a[1].total_cmp(&b[1])));
    points.dedup();
    if points.len() < 3 {
        return points.clone();
    }
    let mut hull: Vec<Point> = Vec::new();
    for half in 0..2 {
        let start = hull.len();
        let mut add = |point: Point| {
            while hull.len() >= start + 2 && turn(hull[hull.len() - 2], hull[hull.len() - 1], point) <= 0.0 {
                hull.pop();
            }
            hull.push(point);
        };
        if half == 0 {
            points.iter().for_each(|point| add(*point));
        } else {
            points.iter().rev().for_each(|point| add(*point));
        }
        // The last point of one half is the first of the other.
        hull.pop();
    }
    hull
}

/// Positive where the way from a over b to c turns one way, negative for the other, zero straight on.
fn turn(a: Point, b: Point, c: Point) -> f64 {
    let [ax, ay] = a.map(f64::from);
    let [bx, by] = b.map(f64::from);
    let [cx, cy] = c.map(f64::from);
    (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
}

/// The rectangle of least area around a convex polygon: one of its sides lies along one of the polygon's.
pub(super) fn least_rectangle(hull: &[Point]) -> Tilted {
    let mut best: Option<(f64, Tilted)> = None;
    for (i, start) in hull.iter().enumerate() {
        let end = hull[(i + 1) % hull.len()];
        let (dx, dy) = (f64::from(end[0] - start[0]), f64::from(end[1] - start[1]));
        let length = dx.hypot(dy);
        let (ux, uy) = if length > 0.0 { (dx / length, dy / length) } else { (1.0, 0.0) };
        let (mut low, mut high) = ([f64::MAX; 2], [f64::MIN; 2]);
        for [x, y] in hull {
            let (x, y) = (f64::from(*x), f64::from(*y));
            for (axis, along) in [x * ux + y * uy, y * ux - x * uy].into_iter().enumerate() {
                low[axis] = low[axis].min(along);
                high[axis] = high[axis].max(along);
            }
        }
        let sides = [high[0] - low[0], high[1] - low[1]];
        let area = sides[0] * sides[1];
        if best.as_ref().is_none_or(|(least, _)| area < *least) {
            let corner = |u: f64, v: f64| [(u * ux - v * uy) as f32, (u * uy + v * ux) as f32];
            let corners = [
                corner(low[0], low[1]),
                corner(high[0], low[1]),
                corner(high[0], high[1]),
                corner(low[0], high[1]),
            ];
            best = Some((area, Tilted { corners, sides: sides.map(|side| side as f32) }));
        }
    }
    best.map_or(Tilted { corners: [[0.0; 2]; 4], sides: [0.0; 2] }, |(_, rectangle)| rectangle)
}

/// Corners as top left, top right, bottom right, bottom left: the two leftmost and the two rightmost, each from above.
pub(super) fn ordered(mut corners: [Point; 4]) -> [Point; 4] {
    corners.sort_by(|a, b| a[0].total_cmp(&b[0]));
    let [a, b, c, d] = corners;
    let (top_left, bottom_left) = if b[1] < a[1] { (b, a) } else { (a, b) };
    let (top_right, bottom_right) = if d[1] < c[1] { (d, c) } else { (c, d) };
    [top_left, top_right, bottom_right, bottom_left]
}

/// The area of a polygon and the length of its boundary.
pub(super) fn measure(polygon: &[Point]) -> (f32, f32) {
    let (mut area, mut length) = (0.0, 0.0);
    for (i, [x, y]) in polygon.iter().enumerate() {
        let [to_x, to_y] = polygon[(i + 1) % polygon.len()];
        area += x * to_y - to_x * y;
        length += (to_x - x).hypot(to_y - y);
    }
    (area.abs() / 2.0, length)
}

/// The polygon grown by a distance on all sides, with round corners.
pub(super) fn grown(polygon: &[Point], distance: f32) -> Vec<Point> {
    const STEPS: usize = 32;
    // What is within a distance of a convex polygon is the hull of circles around its corners. Points are whole, as
    // in the library that the reference uses.
    let mut points = Vec::with_capacity(polygon.len() * (STEPS + 2));
    for (i, [x, y]) in polygon.iter().enumerate() {
        for step in 0..STEPS {
            let angle = std::f32::consts::TAU * step as f32 / STEPS as f32;
            points.push([(x + distance * angle.cos()).round(), (y + distance * angle.sin()).round()]);
        }
        // Where the straight sides begin and end.
        let [to_x, to_y] = polygon[(i + 1) % polygon.len()];
        let (dx, dy) = (to_x - x, to_y - y);
        let length = dx.hypot(dy);
        if length > 0.0 {
            let (nx, ny) = (dy / length * distance, -dx / length * distance);
            for sign in [-1.0, 1.0] {
                points.push([(x + sign * nx).round(), (y + sign * ny).round()]);
                points.push([(to_x + sign * nx).round(), (to_y + sign * ny).round()]);
            }
        }
    }
    hull(&mut points)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_rectangle_lies_along_the_points() {
        // A square standing on a corner, with points inside and on its sides.
        let mut points =
            vec![[5.0, 0.0], [10.0, 5.0], [5.0, 10.0], [0.0, 5.0], [5.0, 5.0], [2.5, 2.5], [6.0, 4.0]];
        let hull = hull(&mut points);
        assert_eq!(hull.len(), 4);
        let rectangle = least_rectangle(&hull);
        for side in rectangle.sides {
            assert!((side - 50f32.sqrt()).abs() < 1e-4, "{side}");
        }
        for corner in rectangle.corners {
            let near = hull.iter().any(|[x, y]| (x - corner[0]).abs() < 1e-4 && (y - corner[1]).abs() < 1e-4);
            assert!(near, "{corner:?}");
        }
    }

    #[test]
    fn few_points_have_a_rectangle_too() {
        assert_eq!(least_rectangle(&hull(&mut vec![[3.0, 4.0]])).sides, [0.0, 0.0]);
        assert_eq!(least_rectangle(&hull(&mut vec![[0.0, 0.0], [4.0, 0.0], [2.0, 0.0]])).sides, [4.0, 0.0]);
        assert_eq!(least_rectangle(&[]).sides, [0.0, 0.0]);
    }

    #[test]
    fn growing_moves_every_side_out() {
        let square = [[0.0, 0.0], [100.0, 0.0], [100.0, 20.0], [0.0, 20.0]];
        assert_eq!(measure(&square), (2000.0, 240.0));
        let rectangle = least_rectangle(&grown(&square, 7.0));
        let corners = ordered(rectangle.corners);
        for (got, want) in corners.into_iter().zip([[-7.0, -7.0], [107.0, -7.0], [107.0, 27.0], [-7.0, 27.0]])
        {
            assert!((got[0] - want[0]).abs() < 1e-3 && (got[1] - want[1]).abs() < 1e-3, "{got:?} {want:?}");
        }
    }
}
