import Foundation
import Queueing
import Randomness
import Recipes
import Tensors

/// One thing about this machine that a run depends on.
public struct MachineCheck: Codable, Sendable {
    /// Whether it will do.
    public enum State: String, Codable, Sendable {
        case good, warning, failed
    }

    /// What was looked at.
    public let name: String
    /// Whether it will do.
    public let state: State
    /// What was found.
    public let detail: String
    /// What to do about it, nil when nothing is to be done.
    public let remedy: String?

    /// Every check, in the order in which they are read.
    public static func all(cache: CacheFolder = CacheFolder()) -> [MachineCheck] {
        [processor(), memory(), products(), messages(), disk(), fetched("model", cache), fetched("data", cache)]
    }

    private static func processor() -> MachineCheck {
        let cores = ProcessInfo.processInfo.activeProcessorCount
        let kernels = Kernels.best.name
        return MachineCheck(
            name: "processor", state: kernels == "portable" ? .warning : .good,
            detail: "\(cores) cores, \(kernels) kernels",
            remedy: kernels == "portable" ? "Runs are slower here; a processor with AVX2 is used fully" : nil)
    }

    /// Whether a recipe's training fits into the machine's memory, next to what other programs hold now.
    public static func training(_ estimate: MemoryEstimate) -> MachineCheck {
        training(
            estimate, totalBytes: Int(clamping: ProcessInfo.processInfo.physicalMemory),
            availableBytes: SystemMemory.availableBytes)
    }

    static func training(_ estimate: MemoryEstimate, totalBytes: Int, availableBytes: Int) -> MachineCheck {
        let needed = estimate.predictedBytes
        let state: State = needed > totalBytes ? .failed : needed > availableBytes ? .warning : .good
        let remedy: String? =
            switch state {
            case .good: nil
            case .warning: "Close other programs, or expect the machine to become slow"
            case .failed:
                "Lower training.micro_batch, task.maximum_tokens or threads, freeze more blocks, or take a smaller model"
            }
        return MachineCheck(
            name: "training", state: state,
            detail: "\(needed >> 20) MiB needed, \(availableBytes >> 20) MiB of \(totalBytes >> 20) MiB available",
            remedy: remedy)
    }

    private static func memory() -> MachineCheck {
        let bytes = Int(ProcessInfo.processInfo.physicalMemory)
        let needed = 2 << 30
        return MachineCheck(
            name: "memory", state: bytes >= needed ? .good : .warning, detail: "\(bytes >> 20) MiB",
            remedy: bytes >= needed ? nil : "The quick start needs about 1 GiB: close other programs")
    }

    /// A matrix product of the size that a block makes, timed on one core.
    private static func products() -> MachineCheck {
        let (m, n, k) = (256, 1536, 576)
        var generator = SeededGenerator(seed: 1, stream: "doctor")
        let a = Storage(count: m * k), b = Storage(count: n * k), c = Storage(count: m * n)
        for i in 0..<a.count { a.base[i] = Float(generator.uniform()) }
        for i in 0..<b.count { b.base[i] = Float(generator.uniform()) }
        let clock = RoleClock()
        var rounds = 0
        while clock.now < .milliseconds(300) {
            c.matrix(rows: m, columns: n).product(
                of: a.matrix(rows: m, columns: k), and: b.matrix(rows: n, columns: k), .transposed)
            rounds += 1
        }
        let rate = Double(2 * m * n * k * rounds) / clock.now.seconds / 1e9
        return MachineCheck(
            name: "products", state: .good,
            detail: "\(Int(rate)) GFLOP/s on one core (\(MatrixLibrary.chosen.description))", remedy: nil)
    }

    /// One message over TCP on this machine and back.
    private static func messages() -> MachineCheck {
        do {
            let context = try ZeroMQContext()
            var options = SocketOptions()
            options.security = .insecure
            let server = try Socket(.router, context: context, options: options)
            let client = try Socket(.dealer, context: context, options: options)
            try client.connect(try server.bind("tcp://127.0.0.1:*"))
            _ = try client.send([Frame([1, 2, 3])])
            var poller = Poller()
            _ = poller.add(server)
            try poller.wait(milliseconds: 2000)
            guard try server.receive()?.frames.first?.bytes == [1, 2, 3] else {
                return MachineCheck(
                    name: "messages", state: .failed, detail: "a message over TCP on this machine got lost",
                    remedy: "Look at the firewall's rules for the loopback interface")
            }
            return MachineCheck(name: "messages", state: .good, detail: transportLibraryDescription(), remedy: nil)
        } catch {
            return MachineCheck(name: "messages", state: .failed, detail: "\(error)", remedy: error.remedy)
        }
    }

    private static func disk() -> MachineCheck {
        let path = FileManager.default.currentDirectoryPath
        let attributes = try? FileManager.default.attributesOfFileSystem(forPath: path)
        let free = (attributes?[.systemFreeSize] as? NSNumber)?.intValue ?? 0
        let isEnough = free >= 1 << 30
        return MachineCheck(
            name: "disk", state: isEnough ? .good : .warning, detail: "\(free >> 20) MiB free in \(path)",
            remedy: isEnough ? nil : "A run's folder is small, but fetching and building need a few GiB")
    }

    private static func fetched(_ name: String, _ cache: CacheFolder) -> MachineCheck {
        let file =
            name == "model" ? "SmolLM2-135M-Instruct.Q4_1.gguf" : "movieReviewSnippets_GroundTruth.txt"
        let path = cache.resolve("cache:\(file)")
        let exists = FileManager.default.isReadableFile(atPath: path)
        return MachineCheck(
            name: name, state: exists ? .good : .warning, detail: exists ? path : "\(path) is not there",
            remedy: exists ? nil : "scripts/fetch brings it")
    }
}
