import Methods
import Tensors

extension Trainer {
    /// Goes on after another process's step.
    func adopt(_ values: [Storage], step: Int) {
        for (state, values) in zip(state, values) {
            state.values.flat.copy(from: values.matrix(rows: 1, columns: values.count))
        }
        resume(afterStep: step)
    }
}
