//! The solids that things are made of, and where a ray meets them.
//!
//! Each is centred on the origin and upright along y. All but the frustum are convex, and met as the
//! part of the ray that is inside all of their bounds.

use glam::Vec3;

/// A solid.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Shape {
    /// An ellipsoid with these half axes.
    Ellipsoid(Vec3),
    /// A box with these half edges.
    Block(Vec3),
    /// A cylinder, a cone, or something between.
    Frustum {
        /// The radius at the bottom.
        bottom: f32,
        /// The radius at the top.
        top: f32,
        /// Half the height.
        half_height: f32,
    },
    /// A cylinder with round ends.
    Capsule {
        /// The radius.
        radius: f32,
        /// Half the length between the centres of the round ends.
        half_height: f32,
    },
    /// A roof: a prism whose ridge runs along x over the middle of its base.
    Gable(Vec3),
    /// The lower half of an ellipsoid with these half axes, flat on top.
    Bowl(Vec3),
}

/// Where a ray enters a solid.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Entry {
    /// The distance along the ray.
    pub distance: f32,
    /// The outward normal.
    pub normal: Vec3,
}

/// The part of a ray that is inside of what has been looked at so far.
#[derive(Clone, Copy)]
struct Inside {
    enter: f32,
    exit: f32,
    normal: Vec3,
}

impl Inside {
    fn new() -> Self {
        Self { enter: f32::NEG_INFINITY, exit: f32::INFINITY, normal: Vec3::Y }
    }

    /// Keeps the part below a plane: `normal · p <= offset`.
    fn below(mut self, origin: Vec3, direction: Vec3, normal: Vec3, offset: f32) -> Self {
        let approach = normal.dot(direction);
        let gap = offset - normal.dot(origin);
        if approach == 0.0 {
            if gap < 0.0 {
                self.exit = f32::NEG_INFINITY;
            }
            return self;
        }
        let distance = gap / approach;
        if approach < 0.0 {
            if distance > self.enter {
                self.enter = distance;
                self.normal = normal;
            }
        } else {
            self.exit = self.exit.min(distance);
        }
        self
    }

    /// Keeps the part inside an ellipsoid.
    fn within(mut self, origin: Vec3, direction: Vec3, radii: Vec3) -> Self {
        let (o, d) = (origin / radii, direction / radii);
        let (a, b, c) = (d.dot(d), o.dot(d), o.dot(o) - 1.0);
        let discriminant = b * b - a * c;
        if discriminant <= 0.0 {
            self.exit = f32::NEG_INFINITY;
            return self;
        }
        let root = discriminant.sqrt();
        let enter = (-b - root) / a;
        if enter > self.enter {
            self.enter = enter;
            self.normal = ((o + d * enter) / radii).normalize();
        }
        self.exit = self.exit.min((-b + root) / a);
        self
    }

    fn entry(self) -> Option<Entry> {
        (self.enter < self.exit && self.enter > 0.0)
            .then_some(Entry { distance: self.enter, normal: self.normal })
    }
}

impl Shape {
    /// Where a ray with a unit direction enters the solid, if it starts outside and does so.
    pub fn enter(&self, origin: Vec3, direction: Vec3) -> Option<Entry> {
        let (o, d) = (origin, direction);
        match *self {
            Shape::Ellipsoid(radii) => Inside::new().within(o, d, radii).entry(),
            Shape::Block(half) => block(o, d, half),
            Shape::Frustum { bottom, top, half_height } => frustum(o, d, bottom, top, half_height),
            Shape::Capsule { radius, half_height } => capsule(o, d, radius, half_height),
            Shape::Gable(half) => {
                let slope = Vec3::new(0.0, half.z, 2.0 * half.y).normalize();
                let offset = slope.y * half.y;
                Inside::new()
                    .below(o, d, Vec3::X, half.x)
                    .below(o, d, Vec3::NEG_X, half.x)
                    .below(o, d, Vec3::NEG_Y, half.y)
                    .below(o, d, slope, offset)
                    .below(o, d, Vec3::new(0.0, slope.y, -slope.z), offset)
                    .entry()
            }
            Shape::Bowl(radii) => Inside::new().within(o, d, radii).below(o, d, Vec3::Y, 0.0).entry(),
        }
    }

    /// Half the extent along each axis.
    pub fn half_extent(&self) -> Vec3 {
        match *self {
            Shape::Ellipsoid(half) | Shape::Block(half) | Shape::Gable(half) | Shape::Bowl(half) => half,
            Shape::Frustum { bottom, top, half_height } => {
                Vec3::new(bottom.max(top), half_height, bottom.max(top))
            }
            Shape::Capsule { radius, half_height } => Vec3::new(radius, half_height + radius, radius),
        }
    }

    /// The radius of a sphere around the origin that holds the solid.
    pub fn bounding_radius(&self) -> f32 {
        let half = self.half_extent();
        match self {
            Shape::Ellipsoid(_) | Shape::Capsule { .. } | Shape::Bowl(_) => half.max_element(),
            Shape::Frustum { .. } => half.x.hypot(half.y),
            Shape::Block(_) | Shape::Gable(_) => half.length(),
        }
    }

    /// The same solid, this many times as large.
    pub fn scaled(&self, scale: f32) -> Shape {
        match *self {
            Shape::Ellipsoid(half) => Shape::Ellipsoid(half * scale),
            Shape::Block(half) => Shape::Block(half * scale),
            Shape::Gable(half) => Shape::Gable(half * scale),
            Shape::Bowl(half) => Shape::Bowl(half * scale),
            Shape::Frustum { bottom, top, half_height } => {
                Shape::Frustum { bottom: bottom * scale, top: top * scale, half_height: half_height * scale }
            }
            Shape::Capsule { radius, half_height } => {
                Shape::Capsule { radius: radius * scale, half_height: half_height * scale }
            }
        }
    }
}

fn block(o: Vec3, d: Vec3, half: Vec3) -> Option<Entry> {
    let inverse = d.recip();
    let toward = d.signum();
    let near = (-o - half * toward) * inverse;
    let far = (-o + half * toward) * inverse;
    let enter = near.max_element();
    if enter >= far.min_element() || enter <= 0.0 || enter.is_nan() {
        return None;
    }
    let axis = near.max_position();
    let mut normal = Vec3::ZERO;
    normal[axis] = -toward[axis];
    Some(Entry { distance: enter, normal })
}

fn frustum(o: Vec3, d: Vec3, bottom: f32, top: f32, half_height: f32) -> Option<Entry> {
    let taper = (top - bottom) / (2.0 * half_height);
    let middle = (top + bottom) / 2.0;
    let mut first: Option<Entry> = None;
    let mut keep = |distance: f32, normal: Vec3| {
        if distance > 0.0 && first.is_none_or(|entry| distance < entry.distance) {
            first = Some(Entry { distance, normal });
        }
    };

    let radius = middle + taper * o.y;
    let a = d.x * d.x + d.z * d.z - taper * taper * d.y * d.y;
    let b = o.x * d.x + o.z * d.z - taper * d.y * radius;
    let c = o.x * o.x + o.z * o.z - radius * radius;
    let discriminant = b * b - a * c;
    if a.abs() > 1e-9 && discriminant > 0.0 {
        let root = discriminant.sqrt();
        for distance in [(-b - root) / a, (-b + root) / a] {
            let p = o + d * distance;
            if p.y.abs() <= half_height {
                keep(distance, Vec3::new(p.x, -taper * (middle + taper * p.y), p.z).normalize_or(Vec3::Y));
            }
        }
    }
    for (y, radius, normal) in [(half_height, top, Vec3::Y), (-half_height, bottom, Vec3::NEG_Y)] {
        if normal.y * d.y < 0.0 {
            let distance = (y - o.y) / d.y;
            let p = o + d * distance;
            if p.x * p.x + p.z * p.z <= radius * radius {
                keep(distance, normal);
            }
        }
    }
    first
}

fn capsule(o: Vec3, d: Vec3, radius: f32, half_height: f32) -> Option<Entry> {
    let a = d.x * d.x + d.z * d.z;
    let b = o.x * d.x + o.z * d.z;
    let c = o.x * o.x + o.z * o.z - radius * radius;
    let discriminant = b * b - a * c;
    if discriminant < 0.0 {
        return None;
    }
    if a > 1e-9 {
        let distance = (-b - discriminant.sqrt()) / a;
        let y = o.y + d.y * distance;
        if y.abs() <= half_height {
            let normal = Vec3::new(o.x + d.x * distance, 0.0, o.z + d.z * distance) / radius;
            return (distance > 0.0).then_some(Entry { distance, normal });
        }
    }
    let end = |y: f32| Inside::new().within(o - Vec3::Y * y, d, Vec3::splat(radius)).entry();
    match (end(half_height), end(-half_height)) {
        (Some(a), Some(b)) => Some(if a.distance < b.distance { a } else { b }),
        (a, b) => a.or(b),
    }
}
