//! How the things move: rigid bodies for what rolls, slides, falls, bounces, jumps and collides,
//! and set paths for what walks, drives, flies, floats and spins.

use std::f32::consts::TAU;

use glam::{Quat, Vec3};
use rapier3d::prelude::{
    CoefficientCombineRule, ColliderBuilder, ColliderHandle, LockedAxes, PhysicsWorld, Pose,
    RigidBodyBuilder, RigidBodyHandle, RigidBodyType,
};

use crate::course;
use crate::event::{Action, Event};
use crate::kind::Kind;
use crate::place::Ground;
use crate::scene::{Scene, Thing};
use crate::truth::{ClipSpec, Happening, Moment, Posture};

/// The longest step of the physics, in seconds.
const LONGEST_STEP: f32 = 1.0 / 480.0;
/// When a colliding thing hits the other, as a share of the clip.
const HIT_AT: f32 = 0.42;
/// Turns per second of a thing that spins.
const SPIN_RATE: f32 = 0.42;
/// Steps (pairs of them) and wing beats per second.
const STEP_RATE: f32 = 1.3;
const BEAT_RATE: f32 = 1.7;
/// The height of a jump over the thing's size, and the rest between two jumps, in seconds.
const JUMP_HEIGHT: f32 = 0.5;
const JUMP_PAUSE: f32 = 0.16;
/// The time to turn around, in seconds.
const TURN_TIME: f32 = 0.3;
/// The friction of what has been hit or dropped.
const GRIP: f32 = 0.12;
/// The share of its first speed that a sliding thing has lost by the end of its slide.
const SLIDE_LOSS: f32 = 0.7;

/// The state of one thing at one time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Body {
    pub position: Vec3,
    pub orientation: Quat,
    pub velocity: Vec3,
    pub posture: Posture,
}

/// The motion of every thing: a list of bodies for each frame, and the moments in between.
pub(crate) fn run(scene: &Scene, spec: &ClipSpec) -> (Vec<Vec<Body>>, Vec<Moment>) {
    let mut stage = Stage::new(scene, spec.duration());
    let frame_time = 1.0 / spec.fps.max(1) as f32;
    let steps = (frame_time / LONGEST_STEP).ceil() as usize;
    stage.world.integration_parameters.dt = frame_time / steps as f32;

    let mut frames = Vec::with_capacity(spec.num_frames);
    for frame in 0..spec.num_frames {
        if frame > 0 {
            for step in 0..steps {
                stage.step(spec.time(frame - 1) + frame_time * step as f32 / steps as f32);
            }
        }
        stage.enter_events(spec.time(frame));
        frames.push(stage.bodies(spec.time(frame)));
    }
    (frames, stage.moments)
}

/// How the main thing gets to where it is next.
#[derive(Clone, Copy)]
enum Drive {
    /// A set path from a place, at a steady velocity, turning from one orientation to another.
    Path { from: Vec3, velocity: Vec3, turn: (Quat, Quat), spin: f32 },
    /// The physics alone.
    Free,
    /// The physics, with a jump whenever the thing has rested for a while.
    Jumping { rested: f32 },
    /// Pushed along at this velocity until it hits the other thing.
    Pushing { velocity: Vec3 },
}

/// A world of rigid bodies, and what the main one is to do.
struct Stage<'a> {
    scene: &'a Scene,
    duration: f32,
    world: PhysicsWorld,
    handles: Vec<(RigidBodyHandle, ColliderHandle)>,
    /// The height of the main thing's middle when it stands.
    rest_height: f32,
    drive: Drive,
    /// The events begun so far, and when the last of them began.
    begun: usize,
    begun_at: f32,
    was_falling: bool,
    has_hit: bool,
    moments: Vec<Moment>,
}

impl<'a> Stage<'a> {
    fn new(scene: &'a Scene, duration: f32) -> Self {
        let mut world = PhysicsWorld::new();
        world.gravity = Vec3::new(0.0, -scene.gravity, 0.0);
        let ground =
            ColliderBuilder::cuboid(60.0, 1.0, 60.0).translation(Vec3::NEG_Y).friction(1.0).restitution(0.0);
        world.insert(RigidBodyBuilder::fixed(), ground);

        let mut stage = Self {
            scene,
            duration,
            world,
            handles: Vec::new(),
            rest_height: course::rest_height(scene),
            drive: Drive::Free,
            begun: 0,
            begun_at: 0.0,
            was_falling: false,
            has_hit: false,
            moments: Vec::new(),
        };
        let start = course::start(scene);
        for (index, thing) in scene.things.iter().enumerate() {
            let height = course::standing_height(scene, thing);
            let position = if index == 0 { start } else { Vec3::new(thing.place[0], height, thing.place[1]) };
            let orientation = if index == 0 {
                course::facing(scene, scene.events[0])
            } else {
                Quat::from_rotation_y(thing.yaw)
            };
            stage.insert(thing, position, orientation, index == 0);
        }
        stage
    }

    fn insert(&mut self, thing: &Thing, position: Vec3, orientation: Quat, is_main: bool) {
        let event = self.scene.events[0];
        let half = thing.kind.half_extent() * thing.size.scale();
        let rolls = is_main && self.scene.events.iter().any(|event| event.action == Action::Rolls);
        let collider = match thing.kind {
            Kind::Ball => ColliderBuilder::ball(half.y),
            // On its side a cylinder rolls like a ball of its radius that keeps its axis.
            Kind::Cylinder if rolls => ColliderBuilder::ball(half.x),
            Kind::Cylinder => ColliderBuilder::cylinder(half.y, half.x),
            Kind::Cone => ColliderBuilder::cone(half.y, half.x),
            _ => ColliderBuilder::cuboid(half.x, half.y, half.z),
        };
        let turning = match thing.kind {
            Kind::Ball => LockedAxes::empty(),
            Kind::Cylinder if rolls => match self.scene.events[0].direction.map(|d| d.vector().x != 0.0) {
                Some(true) => LockedAxes::ROTATION_LOCKED_X | LockedAxes::ROTATION_LOCKED_Y,
                _ => LockedAxes::ROTATION_LOCKED_Y | LockedAxes::ROTATION_LOCKED_Z,
            },
            _ => LockedAxes::ROTATION_LOCKED,
        };
        let body = if is_main || event.action == Action::CollidesWith {
            RigidBodyBuilder::dynamic()
        } else {
            RigidBodyBuilder::fixed()
        };
        let body = body
            .pose(Pose::from_parts(position, orientation))
            .locked_axes(turning)
            .can_sleep(false)
            .ccd_enabled(true);
        let collider = collider
            .mass(thing.size.scale())
            .friction(GRIP)
            .friction_combine_rule(CoefficientCombineRule::Min)
            .restitution(self.scene.restitution)
            .restitution_combine_rule(CoefficientCombineRule::Max);
        self.handles.push(self.world.insert(body, collider));
    }

    /// When the event at this index is due, in seconds.
    fn due(&self, index: usize) -> f32 {
        self.duration * index as f32 / self.scene.events.len() as f32
    }

    /// How long the event at this index lasts, in seconds.
    fn length(&self) -> f32 {
        self.duration / self.scene.events.len() as f32
    }

    fn position(&self) -> Vec3 {
        self.world.bodies[self.handles[0].0].translation()
    }

    fn is_standing(&self) -> bool {
        let velocity = self.world.bodies[self.handles[0].0].linvel();
        self.position().y < self.rest_height + 0.02 && velocity.y.abs() < 0.25
    }

    /// Begins the events that are due. What is in the air lands first.
    fn enter_events(&mut self, time: f32) {
        const PATIENCE: f32 = 0.6;
        while self.begun < self.scene.events.len() && time >= self.due(self.begun) - 1e-4 {
            let in_air = self.begun > 0
                && !matches!(self.drive, Drive::Path { .. })
                && !self.is_standing()
                && time < self.due(self.begun) + PATIENCE;
            if in_air {
                return;
            }
            let event = self.scene.events[self.begun];
            self.begin(event, time);
            self.moments.push(Moment { time, happening: Happening::Begins(event) });
            self.begun += 1;
            self.begun_at = time;
        }
    }

    fn begin(&mut self, event: Event, time: f32) {
        let main = self.scene.main();
        let (body, collider) = self.handles[0];
        let travel = course::travel(self.scene, event);
        let length = self.length();
        let velocity = travel / length;
        let (facing, altitude) = (course::facing(self.scene, event), course::altitude(self.scene, event));
        let action = match event.action {
            Action::PassesBehind => main.kind.gait().unwrap_or(Action::Slides),
            action => action,
        };
        let is_free = matches!(
            action,
            Action::Rolls
                | Action::Slides
                | Action::Falls
                | Action::Bounces
                | Action::Jumps
                | Action::CollidesWith
        );
        let kind = if is_free { RigidBodyType::Dynamic } else { RigidBodyType::KinematicPositionBased };
        let body = &mut self.world.bodies[body];
        let collider = &mut self.world.colliders[collider];
        body.set_body_type(kind, true);
        self.drive = Drive::Free;
        match action {
            Action::Rolls => {
                collider.set_friction(0.9);
                roll(body, velocity, main.kind.half_extent().x * main.size.scale());
            }
            Action::Slides => {
                let first = velocity / (1.0 - SLIDE_LOSS / 2.0);
                let slowing = SLIDE_LOSS * first.length() / length;
                collider.set_friction(slowing / self.scene.gravity);
                body.set_linvel(first, true);
            }
            Action::Falls | Action::Bounces => {}
            Action::Jumps => {
                collider.set_restitution(0.0);
                collider.set_friction(0.9);
                body.set_linvel(Vec3::ZERO, true);
                self.drive = Drive::Jumping { rested: JUMP_PAUSE / 2.0 };
            }
            Action::CollidesWith => {
                let ahead = event.direction.map_or(Vec3::X, |direction| direction.vector());
                let velocity = ahead * course::APPROACH / (HIT_AT * length);
                if main.kind == Kind::Ball {
                    collider.set_friction(0.9);
                    roll(body, velocity, main.kind.half_extent().x * main.size.scale());
                } else {
                    self.drive = Drive::Pushing { velocity };
                }
            }
            _ => {
                let from = if time == 0.0 {
                    body.translation()
                } else {
                    let at = body.translation();
                    Vec3::new(at.x, self.rest_height + altitude, at.z)
                };
                let orientation = *body.rotation();
                let to =
                    if action == Action::Rests || event.direction.is_none() { orientation } else { facing };
                let sign = if self.scene.seed.is_multiple_of(2) { 1.0 } else { -1.0 };
                let spin = if action == Action::Spins { sign * SPIN_RATE * TAU } else { 0.0 };
                self.drive = Drive::Path { from, velocity, turn: (orientation, to), spin };
            }
        }
    }

    /// Moves everything on from this time by one step.
    fn step(&mut self, time: f32) {
        self.enter_events(time);
        let dt = self.world.integration_parameters.dt;
        let standing = self.is_standing();
        let handle = self.handles[0].0;
        let next = self.path_at(time + dt);
        let body = &mut self.world.bodies[handle];
        match &mut self.drive {
            Drive::Free => {}
            Drive::Path { .. } => {
                if let Some((position, orientation)) = next {
                    body.set_next_kinematic_position(Pose::from_parts(position, orientation));
                }
            }
            Drive::Jumping { rested } => {
                *rested = if standing { *rested + dt } else { 0.0 };
                if *rested > JUMP_PAUSE {
                    let height = JUMP_HEIGHT * self.scene.main().size.scale();
                    let up = (2.0 * self.scene.gravity * height).sqrt();
                    body.set_linvel(Vec3::Y * up, true);
                    *rested = 0.0;
                }
            }
            Drive::Pushing { velocity } => {
                let fall = body.linvel().y;
                body.set_linvel(Vec3::new(velocity.x, fall, velocity.z), true);
            }
        }
        self.world.step();
        self.note_contacts(time + dt);
    }

    /// The place and orientation on the set path, if there is one.
    fn path_at(&self, time: f32) -> Option<(Vec3, Quat)> {
        let Drive::Path { from, velocity, turn, spin } = self.drive else { return None };
        let gone = time - self.begun_at;
        let mut position = from + velocity * gone;
        let turned = (gone / TURN_TIME).clamp(0.0, 1.0);
        let mut orientation = Quat::from_rotation_y(spin * gone) * turn.0.slerp(turn.1, turned);
        match self.moving_as() {
            Some(Action::Walks) => position.y += 0.035 * (TAU * STEP_RATE * time).sin().abs(),
            Some(Action::Flies) => position.y += 0.06 * (TAU * 0.6 * time).sin(),
            _ => {}
        }
        if self.scene.ground == Ground::Water && self.moving_as() != Some(Action::Flies) {
            position.y += 0.03 * (TAU * 0.5 * time).sin();
            orientation = Quat::from_rotation_z(0.05 * (TAU * 0.5 * time + 1.0).sin())
                * Quat::from_rotation_x(0.04 * (TAU * 0.4 * time).sin())
                * orientation;
        }
        Some((position, orientation))
    }

    /// The action that the main thing is in, with passing behind as its own way of moving.
    fn moving_as(&self) -> Option<Action> {
        let event = self.scene.events[self.begun.checked_sub(1)?];
        match event.action {
            Action::PassesBehind | Action::CollidesWith => self.scene.main().kind.gait(),
            action => Some(action),
        }
    }

    fn note_contacts(&mut self, time: f32) {
        if matches!(self.drive, Drive::Path { .. }) {
            self.was_falling = false;
        } else {
            let body = &self.world.bodies[self.handles[0].0];
            let falling = body.linvel().y < -0.2;
            if self.was_falling && !falling && self.position().y < self.rest_height + 0.05 {
                self.moments.push(Moment { time, happening: Happening::Lands(0) });
            }
            self.was_falling = falling;
        }
        if self.scene.events[0].action == Action::CollidesWith && !self.has_hit {
            let pair = self.world.narrow_phase.contact_pair(self.handles[0].1, self.handles[1].1);
            if pair.is_some_and(|pair| pair.has_any_active_contact()) {
                self.has_hit = true;
                self.drive = Drive::Free;
                self.moments.push(Moment { time, happening: Happening::Collides(0, 1) });
            }
        }
    }

    fn bodies(&self, time: f32) -> Vec<Body> {
        const MOMENT: f32 = 1e-3;
        let mut bodies: Vec<Body> = self
            .handles
            .iter()
            .map(|&(handle, _)| {
                let body = &self.world.bodies[handle];
                Body {
                    position: body.translation(),
                    orientation: *body.rotation(),
                    velocity: body.linvel(),
                    posture: Posture::default(),
                }
            })
            .collect();
        if let (Some((now, orientation)), Some((later, _))) =
            (self.path_at(time), self.path_at(time + MOMENT))
        {
            bodies[0].position = now;
            bodies[0].orientation = orientation;
            bodies[0].velocity = (later - now) / MOMENT;
        }
        let is_under_way = bodies[0].velocity.length() > 0.05;
        bodies[0].posture = match self.moving_as() {
            Some(Action::Walks) if is_under_way && !self.has_hit => {
                Posture { stride: 0.6 * (TAU * STEP_RATE * time).sin(), wings: None }
            }
            Some(Action::Flies) => {
                Posture { stride: 0.0, wings: Some(0.15 + 0.65 * (TAU * BEAT_RATE * time).sin()) }
            }
            _ => Posture::default(),
        };
        bodies
    }
}

/// Rolls without slipping.
fn roll(body: &mut rapier3d::prelude::RigidBody, velocity: Vec3, radius: f32) {
    let fall = body.linvel().y;
    body.set_linvel(velocity + Vec3::Y * fall, true);
    body.set_angvel(Vec3::Y.cross(velocity) / radius, true);
}
