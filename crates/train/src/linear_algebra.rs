//! Principal axes of what is measured.

use nalgebra::{DMatrix, DVector, SymmetricEigen};

/// Eigenvalues from the largest down, and the eigenvectors as columns.
pub fn sorted_eigen(symmetric: DMatrix<f64>) -> (DVector<f64>, DMatrix<f64>) {
    let eigen = SymmetricEigen::new(symmetric);
    let mut order: Vec<usize> = (0..eigen.eigenvalues.len()).collect();
    order.sort_by(|&a, &b| eigen.eigenvalues[b].total_cmp(&eigen.eigenvalues[a]));
    let values = DVector::from_iterator(order.len(), order.iter().map(|&i| eigen.eigenvalues[i]));
    let columns: Vec<_> = order.iter().map(|&i| eigen.eigenvectors.column(i)).collect();
    (values, DMatrix::from_columns(&columns))
}
