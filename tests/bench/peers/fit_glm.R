# fit_glm.R DATA OUT ROWS FEATURES EPSILON: R's glm.fit on raw doubles (features by columns, then
# the labels), as base R reads no HDF5.
arguments <- commandArgs(trailingOnly = TRUE)
n <- as.integer(arguments[3])
d <- as.integer(arguments[4])
file <- file(arguments[1], "rb")
X <- cbind(1, matrix(readBin(file, "double", n * d), n, d))
y <- readBin(file, "double", n)
close(file)

begin <- proc.time()[["elapsed"]]
fit <- suppressWarnings(glm.fit(X, y, family = binomial(),
    control = glm.control(epsilon = as.numeric(arguments[5]), maxit = 100)))
seconds <- proc.time()[["elapsed"]] - begin

out <- file(arguments[2], "wb")
writeBin(as.double(fit$coefficients), out)
close(out)
cat(sprintf('{"fit": %.3f, "iterations": %d}\n', seconds, fit$iter))
