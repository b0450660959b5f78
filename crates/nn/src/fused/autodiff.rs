//! How an [`Op`] is recorded, once for every operation.

use burn::backend::{
    Autodiff, Backend,
    autodiff::{
        checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
        grads::Gradients,
        ops::{Backward, Ops, OpsKind},
    },
    tensor::FloatTensor,
};

use super::{FusedOps, Kernels, Op};

type AutodiffTensor<B, C> = FloatTensor<Autodiff<B, C>>;

impl<B: Backend + FusedOps + Kernels, C: CheckpointStrategy> FusedOps for Autodiff<B, C> {
    fn fused1(a: FloatTensor<Self>, op: Op) -> FloatTensor<Self> {
        record::<B, C, 1>(op, [a])
    }

    fn fused2(a: FloatTensor<Self>, b: FloatTensor<Self>, op: Op) -> FloatTensor<Self> {
        record::<B, C, 2>(op, [a, b])
    }

    fn fused3(a: FloatTensor<Self>, b: FloatTensor<Self>, c: FloatTensor<Self>, op: Op) -> FloatTensor<Self> {
        record::<B, C, 3>(op, [a, b, c])
    }

    fn fused4(
        a: FloatTensor<Self>,
        b: FloatTensor<Self>,
        c: FloatTensor<Self>,
        d: FloatTensor<Self>,
        op: Op,
    ) -> FloatTensor<Self> {
        record::<B, C, 4>(op, [a, b, c, d])
    }

    fn fused5(
        a: FloatTensor<Self>,
        b: FloatTensor<Self>,
        c: FloatTensor<Self>,
        d: FloatTensor<Self>,
        e: FloatTensor<Self>,
        op: Op,
    ) -> FloatTensor<Self> {
        record::<B, C, 5>(op, [a, b, c, d, e])
    }
}

/// Runs the operation and leaves its gradient on the tape.
fn record<B: Kernels, C: CheckpointStrategy, const N: usize>(
    op: Op,
    inputs: [AutodiffTensor<B, C>; N],
) -> AutodiffTensor<B, C> {
    let nodes = std::array::from_fn(|i| inputs[i].node());
    let inputs = inputs.map(|input| input.into_primitive());
    let result = B::forward(&op, &inputs);
    let out = result.0.clone();
    match Record.prepare::<C>(nodes).compute_bound().stateful() {
        OpsKind::Tracked(prep) => prep.finish(State::<B, N> { op, inputs, result }, out),
        OpsKind::UnTracked(prep) => prep.finish(out),
    }
}

#[derive(Debug)]
struct Record;

#[derive(Clone, Debug)]
struct State<B: Backend, const N: usize> {
    op: Op,
    inputs: [FloatTensor<B>; N],
    result: (FloatTensor<B>, Option<FloatTensor<B>>),
}

impl<B: Kernels, const N: usize> Backward<B, N> for Record {
    type State = State<B, N>;

    fn backward(self, ops: Ops<Self::State, N>, grads: &mut Gradients, _: &mut Checkpointer) {
        let State { op, inputs, result } = ops.state;
        let grad = grads.consume::<B>(&ops.node);
        let wanted: Vec<bool> = ops.parents.iter().map(Option::is_some).collect();
        let by_input = B::backward(&op, &inputs, &result, grad, &wanted);
        for (parent, grad) in ops.parents.iter().zip(by_input) {
            if let (Some(parent), Some(grad)) = (parent, grad) {
                grads.register::<B>(parent.id, grad);
            }
        }
    }
}
