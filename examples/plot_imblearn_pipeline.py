"""
In imbalanced-learn's Pipeline
==============================

A rare class gets rows that a generator has drawn, as a step of imbalanced-learn's Pipeline: in
cross-validation from the rows of the training folds alone, and none at all when it predicts.
"""

# %%
# Customers who leave are one in ten. The table has text, numbers and missing values; it goes in as it is.

from imblearn.pipeline import make_pipeline
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import GridSearchCV, StratifiedKFold, cross_val_score
from sklearn.preprocessing import OneHotEncoder

from ganaug import GANOversampler
from ganaug.datasets import make_customers

customers = make_customers(800, random_state=0)
rare = customers["churned"].value_counts().idxmin()
kept = customers[(customers["churned"] != rare) | (customers.index % 3 == 0)].reset_index(drop=True)
X, y = kept.drop(columns="churned"), kept["churned"].eq(rare).astype(int)
print(y.value_counts().to_string())

# %%
# What is drawn comes after the real rows, in the same columns and dtypes, and as many as were asked for.

sampler = GANOversampler(sampling_strategy=0.5, random_state=0)
more, labels = sampler.fit_resample(X, y)
print(labels.value_counts().to_string())
print(more[sampler.is_synthetic_].head().to_string())

# %%
# Before the model, which wants numbers, comes what makes them; before that, the sampler.

numbers = make_column_transformer(
    (
        OneHotEncoder(handle_unknown="ignore", sparse_output=False),
        make_column_selector(dtype_exclude="number"),
    ),
    remainder="passthrough",
).set_output(transform="pandas")
trees = HistGradientBoostingClassifier(max_iter=30, random_state=0)
folds = StratifiedKFold(2, shuffle=True, random_state=0)
for name, model in {
    "as it is": make_pipeline(numbers, trees),
    "with drawn rows": make_pipeline(sampler, numbers, trees),
}.items():
    print(name, cross_val_score(model, X, y, cv=folds, scoring="average_precision").round(3))

# %%
# Its options are within reach of a search; so are those of its generator, where one is given.

search = GridSearchCV(
    make_pipeline(sampler, numbers, trees),
    {"ganoversampler__sampling_strategy": [0.3, 0.6]},
    cv=folds,
    scoring="average_precision",
).fit(X, y)
print(search.best_params_, round(search.best_score_, 3))
