//! A backward pass that begins with a gradient from outside, as PyTorch's `y.backward(gradient)`: burn's always begins
//! by filling a tensor with ones, which is no part of a layer.

use burn::{
    backend::{
        Autodiff, Backend, Dispatch, Flex,
        autodiff::{
            checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
            grads::Gradients,
            ops::{Backward, Ops, OpsKind},
        },
        backend_extension,
        tensor::FloatTensor,
    },
    tensor::{Tensor, TensorData},
};

/// A number whose gradient by `y` is `gradient`.
pub fn loss<const D: usize>(y: Tensor<D>, gradient: Tensor<D>) -> Tensor<1> {
    Tensor::from_dispatch(<Dispatch as Loss>::loss(y.into_dispatch(), gradient.into_dispatch()))
}

#[backend_extension(Flex, Autodiff)]
pub trait Loss: Backend {
    fn loss(y: FloatTensor<Self>, gradient: FloatTensor<Self>) -> FloatTensor<Self>;
}

impl Loss for Flex {
    fn loss(_: FloatTensor<Self>, _: FloatTensor<Self>) -> FloatTensor<Self> {
        FloatTensor::<Self>::from_data(TensorData::from([0.0_f32]))
    }
}

impl<B: Backend + Loss, C: CheckpointStrategy> Loss for Autodiff<B, C> {
    fn loss(y: FloatTensor<Self>, gradient: FloatTensor<Self>) -> FloatTensor<Self> {
        let (node, gradient) = (y.node(), gradient.into_primitive());
        let loss = B::loss(y.into_primitive(), gradient.clone());
        match Given.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish(gradient, loss),
            OpsKind::UnTracked(prep) => prep.finish(loss),
        }
    }
}

#[derive(Debug)]
struct Given;

impl<B: Backend> Backward<B, 1> for Given {
    type State = FloatTensor<B>;

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        drop(grads.consume::<B>(&ops.node));
        if let [Some(parent)] = ops.parents {
            grads.register::<B>(parent.id, ops.state);
        }
    }
}
