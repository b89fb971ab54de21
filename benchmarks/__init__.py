"""The measurements that README.md and docs/benchmarks.md quote: ``python -m benchmarks`` lists them."""
