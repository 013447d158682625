module example.test/runc-lab

go 1.19
