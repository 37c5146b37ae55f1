drop type forge.finding;
