"""The measurements that the README quotes: ``python -m benchmarks`` lists them."""
